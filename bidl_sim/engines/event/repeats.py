"""Synapses by source, where those of several sources are alike held once.

A source's synapses are often another's, moved: those of a convolution are, but for its borders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bidl_sim.core.forms import Rows
from bidl_sim.typing import Array


@dataclass(frozen=True)
class Table:
    """Source i has ``count[i]`` synapses k from ``first[i]`` on, to ``base[i] + targets[k]``."""

    first: Array
    count: Array
    base: Array
    targets: Array
    weight: Array


def one_by_one(rows: Rows) -> Table:
    """Every synapse in its own place."""
    count = np.diff(rows.offsets).astype(np.int64)
    first = rows.offsets[:-1].astype(np.int64)
    return Table(first, count, np.zeros_like(count), rows.targets, rows.weight.ravel())


def without_repeats(rows: Rows) -> Table:
    """Equal synapses once; as they are where hardly any two sources are alike."""
    table = one_by_one(rows)
    first, count, base, weight = table.first, table.count, table.base, table.weight
    filled = np.flatnonzero(count)
    if not filled.size:
        return table
    lowest = np.minimum.reduceat(rows.targets, first[filled])
    moved = (rows.targets - lowest.repeat(count[filled])).astype(np.int32)
    last = first[filled] + count[filled] - 1
    seen = np.stack([count[filled], moved[first[filled]], moved[last]])
    if 2 * np.unique(seen, axis=1).shape[1] > filled.size:
        return table
    base[filled] = lowest
    places: dict[bytes, int] = {}
    parts: list[slice] = []
    size = 0
    for i in filled:
        part = slice(first[i], first[i] + count[i])
        key = moved[part].tobytes() + (weight[part].tobytes() if weight.size > 1 else b"")
        if key not in places:
            places[key] = size
            parts.append(part)
            size += count[i]
        first[i] = places[key]
    targets = np.concatenate([moved[part] for part in parts])
    if weight.size > 1:
        weight = np.concatenate([weight[part] for part in parts])
    return Table(first, count, base, targets, weight)
