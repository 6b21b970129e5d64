"""Maps that know the time: delays, played-back values, weights of their own for each step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bidl_sim.netx.step.builder import Builder
from bidl_sim.netx.step.graph import Tensor
from bidl_sim.typing import Array

MOST = 2**26
"""Nothing is played back from a table with more values."""


def delayed(b: Builder, process: Any, given: Mapping[str, Array], s_in: Tensor) -> Tensor:
    """The latest inputs are a state, the oldest first."""
    if not process.reach:
        return s_in
    reach, shape = process.reach, s_in.shape
    recent = b.own_state("recent")
    line = b.joined(recent, b.reshaped(s_in, (1, *shape)))
    b.save(f"{b.path}.recent", b.part(line, 1, reach + 1))
    view = process.parameter_view("delay", given["delay"].shape, b.circuit.main_signal(b.path))
    places = reach - np.floor(given["delay"]).astype(int).reshape(view)
    if np.unique(places).size == 1:
        first = int(places.flat[0])
        return b.reshaped(b.part(line, first, first + 1), shape)
    taken = np.arange(reach + 1).reshape(-1, *[1] * len(shape)) == np.broadcast_to(places, shape)
    chosen = b.elementwise("*", line, b.constant("taken", taken.astype(np.float64)))
    result: Tensor = b.emit("sum", chosen, shape=(1, *shape), axes=(0,))
    return b.reshaped(result, shape)


def played(b: Builder, process: Any, given: Mapping[str, Array]) -> Tensor:
    """The values of each step, and zeros behind the last."""
    values = given["values"]
    if process.repeat:
        return _at(b, values, b.elementwise("%", b.clock(1), b.number(len(values))))
    return _in_turn(b, np.concatenate([values, np.zeros_like(values[:1])]))


def played_spikes(b: Builder, process: Any, given: Mapping[str, Array]) -> Tensor:
    """Spike times as a table of counts."""
    steps, size = int(process.times.max(initial=0)) + 2, math.prod(process.shape)
    if steps * size > MOST:
        raise b.refuse(f"would be a table of {steps} x {size} values, more than {MOST:,}")
    counts = np.zeros((steps, size))
    np.add.at(counts, (process.times, process.neurons), 1)
    return _in_turn(b, counts.reshape(steps, *process.shape))


def mixed_over_time(b: Builder, process: Any, given: Mapping[str, Array], s_in: Tensor) -> Tensor:
    """Each step has a row of weights for the frames so far, the newest first."""
    steps, kernel, channels = process.steps, process.kernel_size, s_in.shape[0]
    rows = np.zeros((steps, kernel, steps))
    for t, row in enumerate(process.effective_weight(given)):
        rows[t, :, : t + 1] = row[t::-1].T
    past = b.own_state("past")
    frames = b.joined(b.reshaped(s_in, (1, channels)), past)
    b.save(f"{b.path}.past", b.part(frames, 0, steps - 1))
    weights = _in_turn(b, rows)
    total = None
    for tap in range(kernel):
        row = b.reshaped(b.part(weights, tap, tap + 1), (steps,))
        mixed: Tensor = b.emit("einsum", row, frames, shape=(channels,), equation="n,nc->c")
        offset = tap - process.left
        before, after = max(-offset, 0), max(offset, 0)
        if min(before + after, channels) == channels:
            continue  # no neighbour so far away
        seen = b.part(mixed, after, channels - before)
        if offset:
            seen = b.emit("pad", seen, shape=(channels,), before=before, after=after)
        total = seen if total is None else b.elementwise("+", total, seen)
    assert total is not None  # the place itself is always among the taps
    return total


def _in_turn(b: Builder, table: Array) -> Tensor:
    """In each step the next of a table's entries; the last one stays."""
    return _at(b, table, b.elementwise("min", b.clock(1), b.number(len(table) - 1)))


def _at(b: Builder, table: Array, place: Tensor) -> Tensor:
    held, place = b.constant("values", table), b.reshaped(place, ())
    result: Tensor = b.emit("gather", held, place, shape=table.shape[1:])
    return result
