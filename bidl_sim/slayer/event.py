"""Events: where, when and on which channel something happened."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from bidl_sim.errors import DataError, ParameterError, ShapeError
from bidl_sim.typing import Array

BINNING_MODES = ("OR", "SUM")


class Event:
    """A list of events.

    Parameters
    ----------
    x_event, y_event, c_event : whole numbers
        Place and channel of each event; ``y_event`` is None for events on a line.
    t_event
        Times in milliseconds.
    payload
        The size of each event, for graded ones.
    """

    def __init__(
        self, x_event: Any, y_event: Any, c_event: Any, t_event: Any, payload: Any = None
    ) -> None:
        self.x = _whole("x", x_event)
        self.y = None if y_event is None else _whole("y", y_event)
        self.c = _whole("c", c_event)
        self.t: Array = np.asarray(t_event)
        self.p: Array | None = None if payload is None else np.asarray(payload)
        for name in ("y", "c", "t", "p"):
            values = getattr(self, name)
            if values is not None and values.shape != self.x.shape:
                raise ShapeError(
                    f"Event, {name}", f"must have shape {self.x.shape} as x, got {values.shape}"
                )

    @property
    def dim(self) -> int:
        """1 on a line, 2 in an image."""
        return 1 if self.y is None else 2

    @property
    def graded(self) -> bool:
        """Whether events have sizes."""
        return self.p is not None

    def to_tensor(self, sampling_time: float = 1, dim: tuple[int, ...] | None = None) -> Array:
        """The events in bins, ``(channel, y, x, time)``; see `fill_tensor`.

        ``dim`` is its shape, just large enough unless given.
        """
        if dim is None:
            y = np.zeros_like(self.x) if self.y is None else self.y
            last_bin = np.round(self.t / sampling_time)
            dim = tuple(int(v.max(initial=-1)) + 1 for v in (self.c, y, self.x, last_bin))
        filled: Array = self.fill_tensor(np.zeros(dim), sampling_time)
        return filled

    def fill_tensor(
        self,
        tensor: Any,
        sampling_time: float = 1,
        random_shift: bool = False,
        binning_mode: str = "OR",
    ) -> Any:
        """Put the events into ``tensor`` ``(channel, y, x, time)``, numpy or torch, and return it.

        An event goes to bin ``round(t / sampling_time)`` (half to even) with the value
        ``1 / sampling_time``; those outside of the tensor are left out. Sizes are summed.

        Parameters
        ----------
        tensor
        sampling_time : milliseconds
        random_shift
            Whether the events begin later by a random number of bins that leaves room for all.
        binning_mode : "OR" or "SUM"
            Whether events in one bin count once or add up.
        """
        if binning_mode not in BINNING_MODES:
            known = f"must be one of {BINNING_MODES}, got {binning_mode!r}"
            raise ParameterError("fill_tensor, binning_mode", known)
        if len(tensor.shape) != 4:
            raise ShapeError(
                "fill_tensor", f"takes (channel, y, x, time), got shape {tuple(tensor.shape)}"
            )
        at = np.round(self.t / sampling_time).astype(int)
        if random_shift and at.size:
            room = max(0, tensor.shape[3] - 1 - int(at.max()))
            at = at + int(torch.randint(room + 1, ()))
        y = np.zeros_like(self.x) if self.y is None else self.y
        places = np.stack([self.c, y, self.x, at])
        inside = ((places >= 0) & (places < np.array(tensor.shape)[:, None])).all(0)
        chosen = tuple(places[:, inside])
        filled = tensor if isinstance(tensor, np.ndarray) else tensor.detach().numpy()
        if self.p is not None:
            np.add.at(filled, chosen, self.p[inside])
        elif binning_mode == "SUM":
            np.add.at(filled, chosen, 1 / sampling_time)
        else:
            filled[chosen] = 1 / sampling_time
        return tensor


def tensor_to_event(spike_tensor: Any, sampling_time: float = 1) -> Event:
    """The values of ``(channel, y, x, time)`` that are not zero, as events.

    A tensor with one row gives events on a line. Values other than ``1 / sampling_time`` become
    sizes.
    """
    values = np.asarray(spike_tensor)
    if values.ndim != 4:
        raise ShapeError(
            "tensor_to_event", f"takes (channel, y, x, time), got shape {values.shape}"
        )
    places = np.nonzero(values)
    c, y, x, at = places
    sizes = values[places]
    graded = not np.allclose(sizes, 1 / sampling_time)
    rows = None if values.shape[1] == 1 else y
    return Event(x, rows, c, at * sampling_time, sizes if graded else None)


def _whole(name: str, values: Any) -> Array:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ShapeError(f"Event, {name}", f"must have one axis, got shape {array.shape}")
    if not (np.isfinite(array).all() and (array == np.round(array)).all()):
        raise DataError(f"Event, {name}", "must be whole numbers")
    return array.astype(np.int64)
