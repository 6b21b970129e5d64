"""From events to frames: spatiotemporal arrays ``(time, polarity, height, width)``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bidl_sim.errors import DataError, ParameterError
from bidl_sim.typing import Array

EVENT = np.dtype([("t", np.int64), ("x", np.int64), ("y", np.int64), ("p", np.int64)])
"""One event: time in microseconds, column, row, polarity (1 brighter, 0 darker)."""

BY = ("duration", "events", "window")


@dataclass(frozen=True)
class Framing:
    """How events are gathered into frames.

    Parameters
    ----------
    by : "duration", "events" or "window"
        ``bins`` parts of equal duration between the first and the last event; ``bins`` parts of
        equally many events (the last takes the remainder); or windows of ``window`` microseconds
        from the first event on, as many as there are, or exactly ``bins`` of them.
    bins : int, default 10
        Number of frames; 0 with ``by="window"`` takes as many as there are.
    window : int
        Length of a window in microseconds.
    binary : bool
        1 where any event fell, instead of their count. Counts saturate at 255, they never wrap.
    """

    by: str = "duration"
    bins: int = 10
    window: int = 0
    binary: bool = False

    def __post_init__(self) -> None:
        if self.by not in BY:
            raise ParameterError("framing, by", f"must be one of {', '.join(BY)}, got {self.by!r}")
        if self.bins < (0 if self.by == "window" else 1):
            raise ParameterError("framing, bins", f"must be at least 1, got {self.bins}")
        if (self.window > 0) != (self.by == "window"):
            raise ParameterError(
                "framing, window",
                f"is in microseconds and goes with by='window', got {self.window}",
            )

    def __call__(self, events: Array, size: tuple[int, int], where: str = "events") -> Array:
        """Frames of one recording, uint8 ``(bins, 2, height, width)``.

        Raises `DataError` for events that lie outside ``size`` or have no polarity 0 or 1. Events
        need not be in order of time.
        """
        events = check_events(events, size, where)
        height, width = size
        part, bins = self._parts(events["t"])
        inside = part < bins
        place = ((part * 2 + events["p"]) * height + events["y"]) * width + events["x"]
        count = np.bincount(place[inside], minlength=bins * 2 * height * width)
        count = np.minimum(count, 1 if self.binary else 255)
        return count.astype(np.uint8).reshape(bins, 2, height, width)

    def _parts(self, t: Array) -> tuple[Array, int]:
        """The frame of each event, and how many frames there are."""
        if not len(t):
            return np.zeros(0, np.int64), max(self.bins, 1)
        since = t - t[0]
        if self.by == "events":
            return np.minimum(np.arange(len(t)) // max(len(t) // self.bins, 1), self.bins - 1), (
                self.bins
            )
        if self.by == "duration":
            return since * self.bins // (since[-1] + 1), self.bins
        return since // self.window, self.bins or int(since[-1] // self.window) + 1


def check_events(events: Array, size: tuple[int, int], where: str) -> Array:
    """Events in order of time, each inside the sensor."""
    names = events.dtype.names or ()
    missing = [name for name in EVENT.names or () if name not in names]
    if missing:
        raise DataError(where, f"must have the fields t, x, y, p; {', '.join(missing)} missing")
    checked = np.zeros(len(events), EVENT)
    for name in ("t", "x", "y", "p"):
        checked[name] = events[name]
    for name, limit in (("x", size[1]), ("y", size[0]), ("p", 2)):
        outside = (checked[name] < 0) | (checked[name] >= limit)
        if outside.any():
            k = int(np.argmax(outside))
            raise DataError(
                where, f"event {k}: {name} = {checked[name][k]}, must be in 0..{limit - 1}"
            )
    if np.any(np.diff(checked["t"]) < 0):
        checked = checked[np.argsort(checked["t"], kind="stable")]
    return checked
