"""Samples of a data set, with what is true of them, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from bidl_sim.errors import DataError, ShapeError, StateError
from bidl_sim.lava.process import AbstractProcess, Phase
from bidl_sim.lava.var import Var
from bidl_sim.typing import Array, Shape


class _Dataloader(AbstractProcess):
    """Base: samples ``(data, ground truth)`` of anything with an index and a length.

    A sample begins in step ``first``, the next ones every ``interval`` steps; after the last comes
    the first. Before there are zeros.
    """

    def __init__(
        self, dataset: Any, interval: int, offset: int, late: int, name: str | None
    ) -> None:
        super().__init__(name)
        if not len(dataset):
            raise DataError(f"{self.name}, dataset", "is empty")
        self.dataset = dataset
        self.phase = Phase(interval, offset % max(interval, 1), 2, self.load)
        self.interval, self.first = interval, self.phase.offset + late
        self._number, self._sample = -1, self._read(0)
        self.truth_shape = self._sample[1].shape or (1,)
        self.ground_truth = self.feed("ground_truth", self.truth_shape, self._truths)

    def load(self, t: int) -> None:
        """Done between steps, where ``phase`` is used."""

    def sample(self, number: int) -> tuple[Array, Array]:
        """Data and ground truth of the sample that is the ``number``th to be shown."""
        if number != self._number:
            self._number, self._sample = number, self._read(number % len(self.dataset))
        return self._sample

    def at(self, t: int) -> tuple[int, int]:
        """The number of the sample in step t, and how many of its steps have gone by."""
        return divmod(t - self.first, self.interval)

    def _read(self, number: int) -> tuple[Array, Array]:
        found = self.dataset[number]
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            raise DataError(
                f"{self.name}, dataset[{number}]", "must be a pair of data and ground truth"
            )
        data, truth = (np.asarray(part, np.float64) for part in found)
        return data, truth

    def _truths(self, first: int, steps: int) -> Array:
        values = np.zeros((steps, *self.truth_shape[::-1]))
        for k in range(steps):
            number, _ = self.at(first + k)
            if number >= 0:
                values[k] = self.sample(number)[1].T
        return values

    def _same(self, data: Array, shape: Shape) -> Array:
        if data.shape != shape:
            raise ShapeError(
                f"{self.name}, dataset", f"the first sample has {shape}, another {data.shape}"
            )
        return data


class SpikeDataloader(_Dataloader):
    """Sends the steps of each sample, ``data[..., 0]`` and on.

    Sample k is loaded after step ``offset + k interval`` and sent from the next step on. What is
    longer than ``interval`` is cut; after what is shorter come zeros.

    Parameters
    ----------
    dataset
        Pairs of data ``(x, y, channel, time)`` and ground truth, by index.
    interval, offset : steps
    """

    def __init__(
        self, *, dataset: Any, interval: int = 1, offset: int = 0, name: str | None = None
    ) -> None:
        super().__init__(dataset, interval, offset, 1, name)
        self.shape = self._sample[0].shape[:-1]
        if not self.shape:
            raise ShapeError(f"{self.name}, dataset", "its data must have time last")
        self.s_out = self.feed("s_out", self.shape, self._values)

    def _values(self, first: int, steps: int) -> Array:
        values = np.zeros((steps, *self.shape[::-1]))
        for k in range(steps):
            number, step = self.at(first + k)
            if number >= 0:
                data, _ = self.sample(number)
                if step < data.shape[-1]:
                    values[k] = self._same(data[..., step], self.shape).T
        return values


class StateDataloader(_Dataloader):
    """Writes each sample to a variable.

    Sample k is written after step ``offset + k interval``.

    Parameters
    ----------
    dataset
        Pairs of data in the variable's shape and ground truth, by index.
    interval, offset : steps
    """

    def __init__(
        self, *, dataset: Any, interval: int = 1, offset: int = 0, name: str | None = None
    ) -> None:
        super().__init__(dataset, interval, offset, 1, name)
        self.phases.append(self.phase)
        self._var: Var | None = None

    def connect_var(self, var: Var) -> None:
        """The variable to write."""
        self._var = var
        self.join(var.process)

    def load(self, t: int) -> None:
        if self._var is None:
            raise StateError(self.name, "writes no variable", "call connect_var")
        self._var.set(self.sample(self.at(t + 1)[0])[0])


class InputLoader(_Dataloader):
    """Sends each sample whole, in every step until the next.

    Sample k is sent in the steps from ``offset + k interval`` on.

    Parameters
    ----------
    dataset
        Pairs of data and ground truth, by index.
    interval, offset : steps
    """

    def __init__(
        self, *, dataset: Any, interval: int = 1, offset: int = 0, name: str | None = None
    ) -> None:
        super().__init__(dataset, interval, offset, 0, name)
        self.shape = self._sample[0].shape
        self.data_out = self.feed("data_out", self.shape, self._values)

    def _values(self, first: int, steps: int) -> Array:
        values = np.zeros((steps, *self.shape[::-1]))
        for k in range(steps):
            number, _ = self.at(first + k)
            if number >= 0:
                values[k] = self._same(self.sample(number)[0], self.shape).T
        return values
