"""The words of Lava over this library: change the imports, keep the script.

| Lava | here |
| --- | --- |
| ``from lava.lib.dl import netx`` | ``from bidl_sim.lava import netx`` |
| ``from lava.proc import io`` | ``from bidl_sim.lava import io`` |
| ``lava.magma.core.run_conditions``, ``run_configs`` | the same in ``bidl_sim.lava`` |
| ``lava.proc.monitor.process``, ``lava.utils.system`` | ``monitor`` and ``system`` there |

Processes are connected as there; the first ``run`` makes one `bidl_sim.Network` of everything that
is connected and runs it on a `bidl_sim.Simulator`, with Lava's integers and Lava's step per
synapse. Arrays have Lava's axes, ``(x, y, channel)`` and time last. Modules are loaded when first
used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bidl_sim.lava import io, monitor, netx, run_conditions, run_configs, system

__all__ = ["io", "monitor", "netx", "run_conditions", "run_configs", "system"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"bidl_sim.lava.{name}")
    raise AttributeError(f"module 'bidl_sim.lava' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
