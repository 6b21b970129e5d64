"""Runtimes: execute a model file on a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.netx.formats import load
from bidl_sim.simulator import Simulator

Model: TypeAlias = "str | Path | Process"
Maker: TypeAlias = Callable[[Model, "str | None"], Any]


class Runtime:
    """A model, ready to run.

    State carries over from call to call until `reset`, as on a chip.

    Parameters
    ----------
    path
        A model file of any format that can be read, or a network; for "lynxi" the folder that
        `export` wrote, compiled.
    target : one of `TARGETS`
        "sim", the torch engine on the CPU; "event", the event engine; "gpu", a CUDA device;
        "onnx", onnxruntime on the CPU; "lynxi", a Lynxi chip by its vendor's runtime (not verified
        on hardware); "lynxi-emulator", a contract emulator, fp16, not the chip.
    dtype : "float64", "float32", "float16" or, of "sim" and "gpu", "bfloat16"
        In which format to compute; default float32, of "lynxi-emulator" float16. Networks that
        compute with integers need float64, which is then the default.
    options
        How a file is read, see `load`.
    """

    def __init__(
        self, path: Model, target: str = "sim", dtype: str | None = None, **options: Any
    ) -> None:
        if target not in TARGETS:
            raise ParameterError(
                "Runtime, target", f"must be one of {', '.join(TARGETS)}, got {target!r}"
            )
        if options:
            if isinstance(path, Process) or target == "lynxi":
                raise ParameterError(
                    f"Runtime, {next(iter(options))}",
                    "is for reading model files, and none was given",
                )
            path = load(path, **options)
        self.machine = TARGETS[target](path, dtype)

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


def _network(model: Model) -> Process:
    return model if isinstance(model, Process) else load(model)


def _simulated(engine: str) -> Maker:
    return lambda model, dtype: Simulator(_network(model), engine=engine, dtype=dtype)


def _captured(model: Model, dtype: str | None) -> Any:
    from bidl_sim.netx.captured import CapturedSession

    return CapturedSession(_network(model), dtype=dtype)


def _onnx(model: Model, dtype: str | None) -> Any:
    from bidl_sim.netx.onnx.session import Session

    return Session(_network(model), dtype)


def _emulated(model: Model, dtype: str | None) -> Any:
    from bidl_sim.netx.emulator import EmulatedSession, Numbers

    return EmulatedSession(_network(model), Numbers(dtype) if dtype else None)


def _on_chip(folder: Model, dtype: str | None) -> Any:
    from bidl_sim.netx.lynxi.deployed import on_chip

    if isinstance(folder, Process):
        raise ParameterError(
            "Runtime, target",
            "'lynxi' runs what the vendor's compiler made, no network",
            "export the network, compile it, and give the folder",
        )
    if dtype is not None:
        raise ParameterError("Runtime, dtype", "is float16 on the chip, and cannot be given")
    return on_chip(folder)


TARGETS: Mapping[str, Maker] = {
    "sim": _simulated("torch"),
    "event": _simulated("event"),
    "gpu": _captured,
    "onnx": _onnx,
    "lynxi": _on_chip,
    "lynxi-emulator": _emulated,
}
"""What runs a model on each target."""
