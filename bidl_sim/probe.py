"""Probes: record a state or port while a simulation runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bidl_sim.core.events import Events
from bidl_sim.core.fields import as_int
from bidl_sim.errors import BidlError, ParameterError
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    import h5py
    from matplotlib.axes import Axes


class Recording(Protocol):
    """Where a probe puts its values: the current run's chunks, time axis first."""

    def begin(self) -> None:
        """Start the recording of a new run."""

    def append(self, values: Array, steps: Array, batched: bool) -> None:
        """Take the values ``(time, batch, ...)`` of some more steps."""

    def read(self) -> tuple[Array, Array]:
        """All values of the current run, ``(time, ...)`` or ``(batch, time, ...)``, and steps."""


class Memory:
    """Keeps the current run in memory, spikes as events until their values are asked for."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.begin()

    def begin(self) -> None:
        self._values: list[Array | Train] = []
        self._steps: list[Array] = []
        self.batched = False

    def append(self, values: Array | Train, steps: Array, batched: bool) -> None:
        self._values.append(values)
        self._steps.append(steps)
        self.batched = batched

    def read(self) -> tuple[Array, Array]:
        if not self._values:
            return np.zeros((0, *self.shape), np.float32), np.zeros(0, np.int64)
        pieces = [v.dense() if isinstance(v, Train) else v for v in self._values]
        values, steps = np.concatenate(pieces), np.concatenate(self._steps)
        return (np.moveaxis(values, 0, 1) if self.batched else values[:, 0]), steps

    def trains(self) -> list[Events] | None:
        """The events of each sample, where nothing else was recorded."""
        if not self._values or not all(isinstance(v, Train) for v in self._values):
            return None
        samples = zip(*(v.samples for v in self._values if isinstance(v, Train)), strict=True)
        return [Events.joined(pieces) for pieces in samples]


@dataclass(frozen=True)
class Train:
    """The events of consecutive steps of a port, one `Events` for each sample."""

    samples: list[Events]
    first: int
    count: int
    shape: Shape

    def dense(self) -> Array:
        """Values ``(time, batch, *shape)``."""
        size = math.prod(self.shape)
        values = [events.dense(self.first, self.count, size) for events in self.samples]
        return np.stack(values, 1).reshape(self.count, len(values), *self.shape)


class Stream:
    """Writes to an hdf5 file as it comes: ``/<path>/run<k>/data`` and ``steps``."""

    def __init__(self, file: h5py.File, name: str, shape: Shape) -> None:
        self.file, self.shape = file, shape
        self.group = file.create_group(name)
        self.run = -1
        self.begin()

    def begin(self) -> None:
        if self.run < 0 or f"run{self.run}" in self.group:
            self.run += 1

    def append(self, values: Array, steps: Array, batched: bool) -> None:
        new = np.moveaxis(values, 0, 1) if batched else values[:, 0]
        axis = 1 if batched else 0
        group = self.group.require_group(f"run{self.run}")
        if "data" not in group:
            empty = (*new.shape[:axis], 0, *new.shape[axis + 1 :])
            limit = tuple(None if k == axis else n for k, n in enumerate(empty))
            group.create_dataset("data", empty, new.dtype, maxshape=limit, chunks=True)
            group.create_dataset("steps", (0,), np.int64, maxshape=(None,), chunks=True)
        data, at = group["data"], group["steps"]
        before = len(at)
        data.resize(before + len(steps), axis)
        at.resize(before + len(steps), 0)
        data[(slice(None),) * axis + (slice(before, None),)] = new
        at[before:] = steps
        self.file.flush()

    def read(self) -> tuple[Array, Array]:
        if not self.file:
            raise BidlError(f"probe file {self.group}", "was closed with its simulator")
        group = self.group.get(f"run{self.run}")
        if group is None:
            return np.zeros((0, *self.shape), np.float32), np.zeros(0, np.int64)
        return group["data"][...], group["steps"][...]


class Probe:
    """What one state or port did, made by `Simulator.probe`.

    ``data`` is ``(time, ...)``, or ``(batch, time, ...)`` when a batch runs; ``steps`` are the step
    indices since the reset. A reset begins a new recording; a file keeps the earlier ones.
    """

    def __init__(self, path: str, shape: Shape, every: int, index: Any) -> None:
        self.path = path
        self.every = as_int(f"probe {path!r}, every", every, 1)
        numbers = np.arange(math.prod(shape)).reshape(shape)
        try:
            self._chosen: Array | None = None if index is None else numbers[index]
        except (IndexError, ValueError, TypeError) as error:
            raise ParameterError(
                f"probe {path!r}, index", f"does not fit the shape {shape}: {error}"
            ) from None
        self.shape: Shape = shape if self._chosen is None else self._chosen.shape
        self.recording: Recording = Memory(self.shape)

    @property
    def data(self) -> Array:
        """The recorded values."""
        return self.recording.read()[0]

    @property
    def steps(self) -> Array:
        """The step index of each recorded value."""
        return self.recording.read()[1]

    def take(self, values: Array, first_step: int, batched: bool) -> None:
        """Keep what is wanted of the values ``(time, batch, ...)`` of consecutive steps."""
        steps = np.arange(first_step, first_step + len(values))
        due = steps % self.every == 0
        if due.any():
            kept = values[due]
            if self._chosen is not None:
                kept = kept.reshape(*kept.shape[:2], -1)[:, :, self._chosen]
            self.recording.append(kept, steps[due], batched)

    @property
    def events(self) -> Events | list[Events]:
        """What is not zero: steps, places and sizes; a list with one for each sample of a batch."""
        memory = self.recording
        if isinstance(memory, Memory) and (trains := memory.trains()):
            return trains if memory.batched else trains[0]
        values, steps = memory.read()
        if values.ndim == len(self.shape) + 2:
            return [Events.of(sample, steps) for sample in values]
        return Events.of(values, steps)

    def take_train(self, train: Train, batched: bool) -> None:
        """As `take`, for the events of consecutive steps."""
        if self.every > 1 or self._chosen is not None or not isinstance(self.recording, Memory):
            self.take(train.dense(), train.first, batched)
            return
        steps = np.arange(train.first, train.first + train.count)
        self.recording.append(train, steps, batched)

    def plot(self, ax: Axes | None = None) -> Axes:
        """A raster for spikes, traces for anything else; the first sample of a batch."""
        from bidl_sim import plots

        values = self.data
        batched = values.ndim == len(self.shape) + 2
        return plots.recording(values[0] if batched else values, self.steps, self.path, ax)

    def __repr__(self) -> str:
        return f"Probe({self.path!r}, {len(self.steps)} steps of shape {self.shape})"


def open_stream(path: str | Path) -> h5py.File:
    """A new file for probes; an older one of ours is replaced, anything else is left alone."""
    import h5py

    path = Path(path)
    if path.exists():
        try:
            with h5py.File(path, "r") as old:
                ours = old.attrs.get("format") == "bidl_sim probes"
        except OSError:
            ours = False
        if not ours:
            raise ParameterError(
                f"probe file {str(path)!r}", "exists and holds no probes", "give another name"
            )
    file = h5py.File(path, "w")
    file.attrs["format"] = "bidl_sim probes"
    return file
