"""Image synapses by source, as the event engine follows them."""

from __future__ import annotations

import numpy as np

from bidl_sim.core.forms import Rows
from bidl_sim.core.port import Signal
from bidl_sim.errors import StateError
from bidl_sim.processes.synapses.window import Pair, Taps
from bidl_sim.typing import Array

MOST = 2**29
"""No image synapse is written out into more connections."""


def window_rows(
    where: str,
    signal: Signal,
    outputs: Pair,
    both: tuple[Taps, Taps],
    weight: Array,
    groups: int = 1,
) -> Rows:
    """A moving kernel connection by connection.

    ``both`` are the taps along height and width, see `window.taps`; ``weight`` is in the order
    (output channel, input channel / groups, height, width).
    """
    channels, height, width = signal.shape
    rows, columns = both
    # every pair of a tap over rows and a tap over columns, in the order of the input's pixels
    pixel = np.add.outer(rows[0] * width, columns[0]).ravel()
    order = np.argsort(pixel, kind="stable")
    place = np.add.outer(rows[1] * outputs[1], columns[1]).ravel()[order]
    down, across = (
        np.broadcast_to(taps, (len(rows[2]), len(columns[2]))).ravel()[order]
        for taps in (rows[2][:, None], columns[2])
    )
    per_group = weight.shape[0] // groups
    counts = np.bincount(pixel, minlength=height * width) * per_group
    if int(counts.sum()) * channels > MOST:
        raise StateError(
            where, f"has {counts.sum() * channels:,} connections, too many to follow one by one"
        )
    targets, weights = [], []
    for channel in range(channels):
        group, inside = divmod(channel, channels // groups)
        to = np.arange(group * per_group, (group + 1) * per_group)
        targets.append((to * (outputs[0] * outputs[1]) + place[:, None]).ravel().astype(np.int32))
        weights.append(weight[to[:, None], inside, down, across].T.ravel())
    offsets = np.concatenate([[0], np.cumsum(np.tile(counts, channels))])
    no_delay = np.zeros((), np.int64)
    return Rows(offsets, np.concatenate(targets), np.concatenate(weights), no_delay)


def one_to_one(
    size: int, weight: Array, constant: Array | None = None, delay: Array | None = None
) -> Rows:
    """Value i to place i."""
    places, delay = np.arange(size + 1), np.zeros((), np.int64) if delay is None else delay
    return Rows(places, places[:-1].astype(np.int32), weight, delay, constant)
