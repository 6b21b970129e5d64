"""The words of lava-dl's SLAYER over this library: change the import, keep the program.

``import bidl_sim.slayer as slayer`` stands for ``import lava.lib.dl.slayer as slayer``. Tensors
have time last, ``(batch, channel, ..., time)``, as there. Modules are loaded when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bidl_sim.slayer import axon, block, classifier, io, loss, neuron, synapse, utils

__all__ = ["axon", "block", "classifier", "io", "loss", "neuron", "synapse", "utils"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"bidl_sim.slayer.{name}")
    raise AttributeError(f"module 'bidl_sim.slayer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
