"""Several devices: samples side by side, time slices one after another, pieces of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from bidl_sim.errors import ParameterError
from bidl_sim.netx.emulator.compiled import BATCHES, Compiled, cast
from bidl_sim.netx.emulator.lane import Lane, Pass
from bidl_sim.typing import Array


def batches(samples: int) -> list[int]:
    """So many samples as batches that a step can be compiled for, the largest first."""
    if not samples:
        return []
    largest = max(size for size in BATCHES if size <= samples)
    return [largest, *batches(samples - largest)]


def run_samples(
    lanes: Sequence[Lane], frames: Mapping[str, Array], steps: int, reset: bool = True
) -> dict[str, Array]:
    """The same steps on every lane, for the samples that are its own.

    Frames are ``(time, batch, *shape)`` by name, cut along the batch; outputs are put together in
    the order of the lanes.
    """
    told, first = [], 0
    for lane in lanes:
        last = first + lane.compiled.batch
        part = {n: x[:, first:last] for n, x in frames.items()}
        told.append(lane.submit(_bytes(lane, part, steps), reset))
        first = last
    found = [lane.collect(sequence) for lane, sequence in zip(lanes, told, strict=True)]
    return {n: np.concatenate([part[n] for part in found], 1) for n in found[0]}


def run_grid(
    grid: Sequence[Sequence[Lane]], frames: Mapping[str, Array], steps: int
) -> dict[str, Array]:
    """A sequence in time slices, each in pieces of the network, from the declared state.

    ``grid[slice][piece]``: frames are divided over the slices as `numpy.array_split` does; what
    a piece leaves behind is the state that its next slice begins with, what it sends the next
    piece's input.
    """
    if len({len(row) for row in grid}) != 1 or not grid[0]:
        raise ParameterError("emulator, grid", "every time slice must have the same pieces")
    first = grid[0][0].compiled.input_type
    frames = {n: cast(x, first) if x.dtype.kind == "f" else x for n, x in frames.items()}
    told: list[list[Pass]] = []
    for row, part in zip(grid, np.array_split(np.arange(steps), len(grid)), strict=True):
        own = {n: x[part] for n, x in frames.items()}
        told.append(_submit_slice(row, own, len(part), told[-1] if told else None))
    found: dict[str, list[Array]] = {}
    for row, passes in zip(grid, told, strict=True):
        for lane, sequence in zip(row, passes, strict=True):
            for n, x in lane.collect(sequence).items():
                found.setdefault(n, []).append(x)
    return {n: np.concatenate(slices) for n, slices in found.items()}


def _submit_slice(
    row: Sequence[Lane], frames: Mapping[str, Array], steps: int, before: list[Pass] | None
) -> list[Pass]:
    """Note what the pieces of one time slice do; each takes what the earlier ones send."""
    told: list[Pass] = []
    for p, lane in enumerate(row):
        data = np.empty((steps, lane.compiled.input_bytes), np.uint8)
        fill = partial(_fill, data, lane.compiled, frames, list(zip(row, told, strict=False)))
        after = told[-1] if told else None
        told.append(lane.submit(data, True, after, fill, before[p] if before else None))
    return told


def _fill(
    data: Array,
    compiled: Compiled,
    frames: Mapping[str, Array],
    earlier: Sequence[tuple[Lane, Pass]],
) -> None:
    """Put together the input of a piece, on the host."""
    values = dict(frames)
    for lane, sequence in earlier:
        values |= lane.compiled.unpacked(sequence.outputs, lane.compiled.outputs)
    data[:] = compiled.packed(values, compiled.inputs, len(data))


def _bytes(lane: Lane, frames: Mapping[str, Array], steps: int) -> Array:
    return lane.compiled.packed(frames, lane.compiled.inputs, steps)
