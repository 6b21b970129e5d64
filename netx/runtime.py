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
    "lynxi-emulator": {},
    "lynxi": {},
}
"""The options of what runs each target: the simulator, onnxruntime, the contract emulator, or a
chip."""


class Runtime:
    """A model, ready to run.

    State carries over from call to call until `reset`, as on a chip.

    Parameters
    ----------
    path
        A model file of any format that can be read, or a network; for "lynxi" the folder that
        `export` wrote, compiled.
    target : "sim", "event", "gpu", "onnx", "lynxi-emulator" or "lynxi"
        The torch engine on the CPU, the event engine, the torch engine on a CUDA device,
        onnxruntime on the CPU, a contract emulator, fp16, not the chip, or a Lynxi chip by its
        vendor's runtime (not verified on hardware).
    """

    def __init__(self, path: str | Path | Process, target: str = "sim") -> None:
        if target not in TARGETS:
            raise ParameterError(
                "Runtime, target", f"must be one of {', '.join(TARGETS)}, got {target!r}"
            )
        if target == "lynxi":
            self.machine: Any = _on_chip(path)
            return
        net = path if isinstance(path, Process) else load(path)
        if target == "onnx":
            from bidl_sim.netx.onnx.session import Session

            self.machine = Session(net)
        elif target == "lynxi-emulator":
            from bidl_sim.netx.emulator.session import EmulatedSession

            self.machine = EmulatedSession(net)
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


def _on_chip(folder: str | Path | Process) -> Any:
    from bidl_sim.netx.lynxi.deployed import on_chip

    if isinstance(folder, Process):
        raise ParameterError(
            "Runtime, target",
            "'lynxi' runs what the vendor's compiler made, no network",
            "export the network, compile it, and give the folder",
        )
    return on_chip(folder)
