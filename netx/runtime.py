"""Runtimes: execute a model file on a target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.netx.formats import load
from bidl_sim.simulator import Simulator

TARGETS: dict[str, dict[str, Any]] = {
    "sim": {"engine": "torch"},
    "event": {"engine": "event"},
    "gpu": {"engine": "torch", "device": "cuda"},
    "onnx": {},
}
"""The options of what runs each target: the simulator, or onnxruntime."""


class Runtime:
    """A model, ready to run.

    State carries over from call to call until `reset`, as on a chip.

    Parameters
    ----------
    path
        A model file of any format that can be read, or a network.
    target : "sim", "event", "gpu" or "onnx"
        The torch engine on the CPU, the event engine, the torch engine on a CUDA device, or
        onnxruntime on the CPU.
    options
        How a file is read, see `load`.
    """

    def __init__(self, path: str | Path | Process, target: str = "sim", **options: Any) -> None:
        if target not in TARGETS:
            raise ParameterError(
                "Runtime, target", f"must be one of {', '.join(TARGETS)}, got {target!r}"
            )
        if isinstance(path, Process) and options:
            raise ParameterError(
                f"Runtime, {next(iter(options))}", "is for reading files, and a network was given"
            )
        net = path if isinstance(path, Process) else load(path, **options)
        if target == "onnx":
            from bidl_sim.netx.onnx.session import Session

            self.machine: Any = Session(net)
        else:
            self.machine = Simulator(net, **TARGETS[target])

    @property
    def simulator(self) -> Simulator:
        """What runs the model, where that is a simulator."""
        if not isinstance(self.machine, Simulator):
            raise ParameterError("Runtime", "this target runs in no simulator", "use target='sim'")
        return self.machine

    def reset(self) -> None:
        """Go back to the declared state."""
        self.machine.reset()

    def step(self, frame: Any) -> Any:
        """One timestep: ``(*shape)`` or ``(batch, *shape)``."""
        return self.machine.step(frame)

    def run(self, frames: Any) -> Any:
        """A sequence: ``(time, *shape)`` or ``(batch, time, *shape)``."""
        return self.machine.run(frames, progress=False)
