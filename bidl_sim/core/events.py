"""Spike trains: which neuron when, without the silence between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bidl_sim.typing import Array


@dataclass(frozen=True)
class Events:
    """Event k: place ``places[k]`` of a port (flat) sent ``sizes[k]`` in step ``steps[k]``.

    In order of steps; a step without events does not appear.
    """

    steps: Array
    places: Array
    sizes: Array

    def __len__(self) -> int:
        return len(self.steps)

    def dense(self, first: int, count: int, size: int) -> Array:
        """Values ``(count, size)`` of the steps from ``first`` on."""
        values = np.zeros((count, size), self.sizes.dtype)
        values[self.steps - first, self.places] = self.sizes
        return values

    @staticmethod
    def of(values: Array, steps: Array) -> Events:
        """The events of values ``(time, *shape)``; ``steps`` gives the index of each time."""
        flat = values.reshape(len(values), -1)
        when, places = np.nonzero(flat)
        return Events(steps[when], places.astype(np.int32), flat[when, places])

    @staticmethod
    def joined(parts: Sequence[Events]) -> Events:
        """Several after one another."""
        return Events(
            np.concatenate([e.steps for e in parts]),
            np.concatenate([e.places for e in parts]),
            np.concatenate([e.sizes for e in parts]),
        )
