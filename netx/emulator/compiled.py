"""What the emulated compiler makes of a step graph: a step with a batch, and its bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.netx.emulator.executor import Executor
from bidl_sim.netx.emulator.numbers import Numbers
from bidl_sim.netx.step.graph import StepGraph, Tensor
from bidl_sim.typing import Array, Shape

BATCHES = (1, 2, 4, 7, 14, 28)
"""How many samples a step can be compiled for."""

INPUT_TYPES = ("uint8", "float16", "float32", "float64")


@dataclass(frozen=True)
class Field:
    """One input or output of the compiled step; ``shape`` is that of one sample."""

    name: str
    shape: Shape
    dtype: np.dtype

    @property
    def bytes(self) -> int:
        """Of one sample in one step."""
        return prod(self.shape) * self.dtype.itemsize


class Compiled:
    """A timestep for a number of samples, as a compiler would hand it to the runtime.

    Parameters
    ----------
    graph
    batch : 1, 2, 4, 7, 14 or 28
    numbers
        Default fp16, with sums in float32.
    input_type : "uint8", "float16", "float32" or "float64"
        What inputs are cast to on the host; the device takes them on in its own format. Default
        that format.

    Attributes
    ----------
    inputs, outputs : fields in the order of their bytes
    input_bytes, output_bytes : of all samples in one step

    The bytes of a sequence are those of its steps; those of a step are its fields', one after
    another, each ``(batch, *shape)`` in C order.

    Raises `FormatError` where a constant is too large for the numbers.
    """

    def __init__(
        self,
        graph: StepGraph,
        batch: int = 1,
        numbers: Numbers | None = None,
        input_type: str | None = None,
    ) -> None:
        self.numbers = numbers or Numbers()
        input_type = input_type or self.numbers.dtype
        where = "emulator"
        if batch not in BATCHES:
            raise ParameterError(where, f"batch must be one of {BATCHES}, got {batch}")
        if input_type not in INPUT_TYPES:
            one_of = ", ".join(INPUT_TYPES)
            raise ParameterError(where, f"input_type must be one of {one_of}, got {input_type!r}")
        self.graph, self.batch, self.input_type = graph, batch, np.dtype(input_type)
        self.executor = Executor(graph, self.numbers)
        self.initial = self.executor.initial(batch)
        self.inputs = _fields(graph.inputs, self.numbers, self.input_type)
        self.outputs = _fields(graph.outputs, self.numbers, self.numbers.float)
        self.input_bytes, self.output_bytes = (
            batch * sum(field.bytes for field in fields) for fields in (self.inputs, self.outputs)
        )

    def step(self, given: Array, states: dict[str, Array]) -> tuple[Array, dict[str, Array]]:
        """From the bytes of a step to those of its outputs, and the new states."""
        frames = {n: x[0] for n, x in self.unpacked(given[None], self.inputs).items()}
        outputs, after = self.executor.step(frames, states)
        return self.packed({n: x[None] for n, x in outputs.items()}, self.outputs)[0], after

    def packed(self, values: Mapping[str, Array], fields: Sequence[Field], steps: int = 1) -> Array:
        """The bytes of ``(time, batch, *shape)`` by name: ``(time, bytes)``.

        Numbers are cast to the format of the field: to uint8 they wrap, to float16 they are rounded
        to the nearest.
        """
        columns = [np.zeros((steps, 0), np.uint8)]
        for field in fields:
            x, shape = np.asarray(values[field.name]), (steps, self.batch, *field.shape)
            size = prod(shape[1:])
            if x.shape != shape:
                raise ShapeError(f"emulator, {field.name}", f"must be {shape}, got {x.shape}")
            columns.append(cast(x, field.dtype).reshape(steps, size).view(np.uint8))
        return np.concatenate(columns, 1)

    def unpacked(self, data: Array, fields: Sequence[Field]) -> dict[str, Array]:
        """``(time, batch, *shape)`` by name, of ``(time, bytes)``."""
        found, first = {}, 0
        for field in fields:
            last = first + self.batch * field.bytes
            part = np.ascontiguousarray(data[:, first:last]).view(field.dtype)
            found[field.name] = part.reshape(len(data), self.batch, *field.shape)
            first = last
        return found


def cast(x: Array, dtype: np.dtype) -> Array:
    """To the format of a field, in C order: to uint8 modulo 256, to floats rounded."""
    with np.errstate(over="ignore"):  # too large is infinite
        if dtype == np.uint8:
            x = np.asarray(x).astype(np.int64)
        return np.ascontiguousarray(x, dtype)


def _fields(
    tensors: Mapping[str, Tensor], numbers: Numbers, float_type: np.dtype
) -> tuple[Field, ...]:
    formats = {"float": float_type, "int": numbers.of("int"), "bool": numbers.of("bool")}
    return tuple(Field(n, x.shape, formats[x.kind]) for n, x in tensors.items())
