"""Runtimes: execute a model file on a target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bidl_sim.errors import ParameterError
from bidl_sim.netx.formats import load
from bidl_sim.simulator import Simulator

TARGETS: dict[str, dict[str, Any]] = {
    "sim": {"engine": "torch"},
    "event": {"engine": "event"},
    "gpu": {"engine": "torch", "device": "cuda"},
}
"""How the simulator runs each target."""


class Runtime:
    """A model file, ready to run.

    State carries over from call to call until `reset`, as on a chip.

    Parameters
    ----------
    path
        The model file.
    target : "sim", "event" or "gpu"
        The torch engine on the CPU, the event engine, or the torch engine on a CUDA device.
    """

    def __init__(self, path: str | Path, target: str = "sim") -> None:
        if target not in TARGETS:
            raise ParameterError(
                "Runtime, target", f"must be one of {', '.join(TARGETS)}, got {target!r}"
            )
        self.simulator = Simulator(load(path), **TARGETS[target])

    def reset(self) -> None:
        """Go back to the declared state."""
        self.simulator.reset()

    def step(self, frame: Any) -> Any:
        """One timestep: ``(*shape)`` or ``(batch, *shape)``."""
        return self.simulator.step(frame)

    def run(self, frames: Any) -> Any:
        """A sequence: ``(time, *shape)`` or ``(batch, time, *shape)``."""
        return self.simulator.run(frames, progress=False)
