"""An exported folder, ready to run: on this machine, or on a chip."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bidl_sim.errors import FormatError, MissingToolError, ShapeError, StateError
from bidl_sim.netx.lynxi import manifest
from bidl_sim.typing import Array, Shape


class Machine(Protocol):
    """What runs the steps of a folder."""

    batch: int

    def reset(self) -> None:
        """Go back to the declared state."""

    def run(self, frames: Array) -> Array:
        """Steps from the present state on: ``(time, batch, values)``, inputs one after another."""


class Deployed:
    """A folder that `export` wrote, on a machine. State carries over until `reset`.

    Parameters
    ----------
    described
        Its manifest.
    machine
    """

    def __init__(self, described: Mapping[str, Any], machine: Machine) -> None:
        self.machine = machine
        self.inputs = {x["process"]: tuple(x["shape"][1:]) for x in described["inputs"]}
        self.outputs = {x["name"]: tuple(x["shape"][1:]) for x in described["outputs"]}
        self._late = {x["name"] for x in described["outputs"] if x["counts"] == manifest.LAST}
        self.reset()

    def reset(self) -> None:
        """Go back to the declared state."""
        self.machine.reset()

    def step(self, inputs: Any) -> Any:
        """One timestep: ``(*shape)`` or ``(batch, *shape)``, of several inputs by name."""
        frames = {}
        for name, given in self._named(inputs).items():
            x = np.asarray(given)
            frames[name] = x[:, None] if x.ndim > len(self.inputs[name]) else x[None]
        found, batched = self._advanced(frames)
        return _one_or_all({n: x[:, 0] if batched else x[0, 0] for n, x in found.items()})

    def run(self, inputs: Any, progress: bool = False) -> Any:
        """A sequence from the present state on: ``(time, *shape)`` or ``(batch, time, *shape)``.

        Of several inputs by name. Outputs after a temporal aggregation are those of the last step.
        """
        frames = {name: np.asarray(given) for name, given in self._named(inputs).items()}
        found, batched = self._advanced(frames)
        kept = {n: x[:, -1] if n in self._late else x for n, x in found.items()}
        return _one_or_all({n: x if batched else x[0] for n, x in kept.items()})

    def _named(self, inputs: Any) -> dict[str, Any]:
        given = inputs if isinstance(inputs, dict) else {next(iter(self.inputs)): inputs}
        if given.keys() != self.inputs.keys():
            raise ShapeError("inputs", f"must be {', '.join(self.inputs)}", "give them by name")
        return given

    def _advanced(self, frames: Mapping[str, Array]) -> tuple[dict[str, Array], bool]:
        """Outputs ``(batch, time, *shape)``, and whether inputs had a batch axis."""
        batched = [x.ndim > len(self.inputs[name]) + 1 for name, x in frames.items()]
        rows = [self._row(name, frames[name]) for name in self.inputs]
        if len({len(x) for x in rows}) > 1 or len({*batched}) > 1:
            raise ShapeError("inputs", "must be equally long, and all or none in batches")
        sent = self.machine.run(np.concatenate(rows, -1))
        parts = _parts(sent, self.outputs.values())
        return {
            name: np.moveaxis(x, 0, 1) for name, x in zip(self.outputs, parts, strict=True)
        }, batched[0]

    def _row(self, name: str, x: Array) -> Array:
        """An input as ``(time, batch, values)``."""
        shape = self.inputs[name]
        x = x if x.ndim > len(shape) + 1 else x[None]
        if x.ndim != len(shape) + 2 or x.shape[2:] != shape or not x.shape[1]:
            wanted = ("time", *shape)
            raise ShapeError(f"input {name!r}", f"must have shape {wanted}, got {x.shape[1:]}")
        if len(x) != self.machine.batch:
            raise StateError(
                f"input {name!r}",
                f"has {len(x)} sample(s); the model runs {self.machine.batch} at once",
                "run them one after another, with reset() between",
            )
        return np.moveaxis(x, 0, 1).reshape(x.shape[1], len(x), -1)


class Host:
    """step.pt on this machine, in float32, with the operators of `custom_operators`."""

    batch = 1

    def __init__(self, path: Path, shapes: list[Shape]) -> None:
        import torch

        from bidl_sim.netx.lynxi import custom_operators

        custom_operators.register()
        self._holding = custom_operators.holding
        self._shapes = shapes
        self.states: dict[str, Any] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it is what the compiler takes
            self._step: Any = torch.jit.load(str(path))  # type: ignore[no-untyped-call]

    def reset(self) -> None:
        """Forget the states, so that the next step loads their initial values."""
        self.states.clear()

    def run(self, frames: Array) -> Array:
        """Steps from the present state on."""
        import torch

        given = [torch.from_numpy(x.astype(np.float32)) for x in _parts(frames, self._shapes)]
        sent = []
        with torch.no_grad(), self._holding(self.states):
            for frame in zip(*given, strict=True):
                found = self._step(*frame)
                outputs = found if isinstance(found, tuple) else (found,)
                sent.append(torch.cat([x.flatten(1) for x in outputs], 1).numpy())
        return np.stack(sent)


def host(folder: str | Path) -> Deployed:
    """The exported step on this machine: what the files compute, before any compiler saw them.

    The folder is checked against its manifest. TorchScript is run: take folders you trust.
    """
    found = manifest.check(folder)
    shapes = [tuple(x["shape"][1:]) for x in found["inputs"]]
    return Deployed(found, Host(Path(folder) / manifest.STEP, shapes))


def on_chip(folder: str | Path, device: int = 0) -> Deployed:
    """The compiled step on a chip, by the vendor's runtime. Not verified on hardware."""
    from bidl_sim.netx.lynxi.run_lynsdk import Chip

    found = manifest.check(folder)
    try:
        import pylynchipsdk
    except ImportError:
        raise MissingToolError(
            "running on the Lynxi chip",
            "needs the vendor's package 'pylynchipsdk' (LynSDK)",
            "its vendor installs it beside the chip; Runtime(target='sim') runs the model here",
        ) from None
    path = Path(folder) / "compiled" / "Net_0"
    if not path.is_dir():
        raise FormatError(
            str(path), "does not exist", "run compile_lyngor.py of the folder where Lyngor is"
        )
    chip = Chip(pylynchipsdk, path, device)
    if chip.batch != found["batch"]:
        raise FormatError(
            str(path), f"runs {chip.batch} sample(s) at once, {manifest.NAME} says {found['batch']}"
        )
    return Deployed(found, chip)


def _parts(values: Array, shapes: Any) -> list[Array]:
    """``(time, batch, values)`` as tensors ``(time, batch, *shape)``."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    parts = np.split(values, ends, axis=-1)
    return [x.reshape(*x.shape[:2], *s) for x, s in zip(parts, shapes, strict=True)]


def _one_or_all(outputs: dict[str, Array]) -> Any:
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs
