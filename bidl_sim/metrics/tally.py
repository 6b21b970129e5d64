"""Counting while a simulation runs: recordings for probes that keep no values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bidl_sim.typing import Array


class Tally:
    """How often the value at each place was not zero, over all samples and runs.

    ``counts`` has the shape of the port; ``executions`` is over how many steps of samples,
    ``samples`` how many samples there were. What is not ``timed`` counts after the last step of a
    run only.
    """

    def __init__(self, timed: bool = True) -> None:
        self.timed = timed
        self.counts: Array = np.zeros((), np.int64)
        self.executions = self.samples = 0
        self.begin()

    def met(self, values: Array) -> Array:
        """Which of the values ``(time, batch, ...)`` count."""
        found: Array = values != 0
        return found

    def begin(self) -> None:
        self._fresh = True
        self._latest: Array = np.zeros((), np.int64)

    def append(self, values: Array, steps: Array, batched: bool) -> None:
        batch, met = values.shape[1], self.met(values)
        if self.timed:
            self.executions += len(values) * batch
        else:
            self.counts = self.counts - self._latest
            self.executions += batch * self._fresh
            met = met[-1:]
        self.samples += batch * self._fresh
        self._latest, self._fresh = met.sum((0, 1)), False
        self.counts = self.counts + self._latest

    def per_sample(self, total: float) -> float:
        """A total as a mean over samples; 0 before the first."""
        return total / self.samples if self.samples else 0.0

    def read(self) -> tuple[Array, Array]:
        """The counts, which belong to no step."""
        return self.counts, np.zeros(0, np.int64)


class GradedTally(Tally):
    """How often a value was not 0, 1 or -1, so that a weight must be multiplied by it."""

    def met(self, values: Array) -> Array:
        found: Array = (values != 0) & (np.abs(values) != 1)
        return found


class ChangeTally(Tally):
    """How often a value differed from the one before; ``start`` gives those of the beginning."""

    def __init__(self, start: Callable[[], Array]) -> None:
        self.start = start
        super().__init__()

    def begin(self) -> None:
        super().begin()
        self._before = self.start()

    def met(self, values: Array) -> Array:
        before = np.broadcast_to(self._before, values.shape[1:])
        self._before = values[-1]
        found: Array = values != np.concatenate([before[None], values[:-1]])
        return found
