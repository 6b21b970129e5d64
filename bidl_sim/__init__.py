"""bidl_sim: one process graph, simulated, trained, exported and deployed with the same spikes.

Public names are loaded when first used, so that importing the package stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bidl_sim import data, lava, netx, plots, processes, slayer, trainers
    from bidl_sim.core.network import Network
    from bidl_sim.core.neuron import Neuron
    from bidl_sim.core.param import Param
    from bidl_sim.core.port import In, Out, Ref
    from bidl_sim.core.process import Process, State
    from bidl_sim.errors import BidlError
    from bidl_sim.netx.modules.network import from_torch
    from bidl_sim.simulator import Simulator

__version__ = "0.1.0"

_HOME = {
    "BidlError": "bidl_sim.errors",
    "In": "bidl_sim.core.port",
    "Network": "bidl_sim.core.network",
    "Neuron": "bidl_sim.core.neuron",
    "Out": "bidl_sim.core.port",
    "Param": "bidl_sim.core.param",
    "Process": "bidl_sim.core.process",
    "Ref": "bidl_sim.core.port",
    "Simulator": "bidl_sim.simulator",
    "State": "bidl_sim.core.process",
    "from_torch": "bidl_sim.netx.modules.network",
}
_MODULES = ("data", "lava", "netx", "plots", "processes", "slayer", "trainers")

__all__ = [
    "BidlError",
    "In",
    "Network",
    "Neuron",
    "Out",
    "Param",
    "Process",
    "Ref",
    "Simulator",
    "State",
    "__version__",
    "data",
    "from_torch",
    "lava",
    "netx",
    "plots",
    "processes",
    "slayer",
    "trainers",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"bidl_sim.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'bidl_sim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
