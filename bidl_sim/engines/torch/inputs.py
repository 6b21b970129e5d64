"""From what a user hands to a run to sequences the engine takes, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bidl_sim.core.circuit import Circuit
from bidl_sim.errors import DataError, ShapeError, StateError


@dataclass(frozen=True)
class Arranged:
    """Sequences ``(time, batch, ...)`` by input path, and how they were given."""

    sequences: dict[str, Tensor]
    steps: int | None
    batch: int
    batched: bool
    is_torch: bool


def arrange(
    circuit: Circuit, inputs: Any, device: torch.device, dtype: torch.dtype, time: bool = True
) -> Arranged:
    """Check ``inputs`` against the circuit and put time first.

    ``inputs`` is one array for a network with one input, a mapping from input names to arrays, or
    None for a network without inputs. An array is ``(time, *shape)`` or ``(batch, time, *shape)``;
    without ``time`` it is the value of one step, ``(*shape)`` or ``(batch, *shape)``.
    """
    named = _by_input(circuit, inputs)
    sequences: dict[str, Tensor] = {}
    sizes: dict[str, tuple[bool, int, int]] = {}
    for path, given in named.items():
        port = next(iter(circuit.processes[path].out_specs))
        signal = circuit.signals[f"{path}.{port}"]
        where = f"input {path!r}"
        kind = torch.int64 if signal.dtype == "int" else dtype
        values = _as_tensor(where, given, device, kind)
        axes = len(signal.shape) + time
        batched = values.dim() == axes + 1
        if (
            values.dim() not in (axes, axes + 1)
            or values.shape[-len(signal.shape) :] != signal.shape
        ):
            single = ("time", *signal.shape) if time else signal.shape
            raise ShapeError(
                where,
                f"must have shape {_shown(single)} or {_shown(('batch', *single))}, "
                f"got {tuple(values.shape)}",
            )
        if not batched:
            values = values.unsqueeze(0)
        if not time:
            values = values.unsqueeze(1)
        sequences[path] = values.transpose(0, 1)
        sizes[path] = (batched, values.shape[0], values.shape[1])
    if len(set(sizes.values())) > 1:
        raise ShapeError(
            "inputs",
            "must agree in batch and time, got "
            + ", ".join(f"{p}: batch {b}, {t} steps" for p, (_, b, t) in sizes.items()),
        )
    batched, batch, steps = next(iter(sizes.values()), (False, 1, None))
    if steps == 0 or batch == 0:
        raise ShapeError("inputs", "hold no timesteps or no samples")
    return Arranged(
        sequences, steps, batch, batched, any(isinstance(v, Tensor) for v in named.values())
    )


def _by_input(circuit: Circuit, inputs: Any) -> dict[str, Any]:
    names = ", ".join(repr(path) for path in circuit.inputs) or "none"
    if inputs is None:
        inputs = {}
    if not isinstance(inputs, Mapping):
        if len(circuit.inputs) != 1:
            raise StateError(
                "inputs",
                f"one array was given, the network has {len(circuit.inputs)} inputs ({names})",
                "give a mapping from input names to arrays",
            )
        inputs = {circuit.inputs[0]: inputs}
    found = {}
    for name, values in inputs.items():
        path = name if name in circuit.inputs else str(name).rpartition(".")[0]
        if path not in circuit.inputs:
            raise StateError(f"input {name!r}", f"the network has no such input; has: {names}")
        found[path] = values
    missing = [path for path in circuit.inputs if path not in found]
    if missing:
        raise StateError(f"input {missing[0]!r}", "no values were given for it")
    return {path: found[path] for path in circuit.inputs}


def _as_tensor(where: str, given: Any, device: torch.device, dtype: torch.dtype) -> Tensor:
    if isinstance(given, Tensor):
        values = given
    else:
        array = np.asarray(given)
        if array.dtype.kind not in "biuf":
            raise DataError(where, f"must be numbers, got dtype {array.dtype}")
        values = torch.as_tensor(array if array.flags.writeable else array.copy())
    if values.is_complex():
        raise DataError(where, f"must be real numbers, got {values.dtype}")
    if values.is_floating_point() and not _finite(values.detach()):
        raise DataError(where, "contains NaN or infinite values")
    return values.to(device, dtype)


def _finite(values: Tensor) -> bool:
    # a sum is finite unless a value is not, or it overflows, and quicker than a look at each
    if values.device.type == "cpu" and values.dtype in (torch.float32, torch.float64):
        with np.errstate(over="ignore", invalid="ignore"):
            total = values.numpy().sum()  # torch would wake its threads
        return bool(np.isfinite(total)) or bool(torch.isfinite(values).all())
    return bool(values.sum().isfinite()) or bool(torch.isfinite(values).all())


def _shown(axes: tuple[object, ...]) -> str:
    return "(" + ", ".join(str(a) for a in axes) + ")"
