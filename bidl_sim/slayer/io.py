"""Files of events. Times are in milliseconds.

The binary files have 5 bytes an event and no header; numbers are big-endian:

| file | byte 0 | byte 1 | byte 2, highest bit | the other 23 bits |
| --- | --- | --- | --- | --- |
| 1-D (``.bs1``) | x, high byte | x, low byte | channel | time in microseconds |
| 2-D (``.bs2``, N-MNIST) | x | y | channel | time in microseconds |
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bidl_sim.errors import DataError, ParameterError
from bidl_sim.slayer.event import Event, tensor_to_event
from bidl_sim.typing import Array

__all__ = [
    "Event",
    "encode_1d_spikes",
    "encode_2d_spikes",
    "encode_np_spikes",
    "read_1d_spikes",
    "read_2d_spikes",
    "read_np_spikes",
    "tensor_to_event",
]

MOST_MICROSECONDS = 2**23 - 1


def read_1d_spikes(filename: str | Path) -> Event:
    """Events on a line from a binary file."""
    data = _records(filename)
    channel, milliseconds = _stamps(data)
    return Event(data[:, 0] << 8 | data[:, 1], None, channel, milliseconds)


def encode_1d_spikes(filename: str | Path, td_event: Event) -> None:
    """Write events on a line to a binary file; x below 65536."""
    _only(td_event, 1, filename)
    x = _within(filename, "x", td_event.x, 0xFFFF)
    _write(filename, td_event, x >> 8, x & 0xFF)


def read_2d_spikes(filename: str | Path) -> Event:
    """Events in an image from a binary file."""
    data = _records(filename)
    channel, milliseconds = _stamps(data)
    return Event(data[:, 0], data[:, 1], channel, milliseconds)


def encode_2d_spikes(filename: str | Path, td_event: Event) -> None:
    """Write events in an image to a binary file; x and y below 256."""
    _only(td_event, 2, filename)
    x, y = (_within(filename, n, getattr(td_event, n), 0xFF) for n in ("x", "y"))
    _write(filename, td_event, x, y)


def read_np_spikes(filename: str | Path, fmt: str = "xypt", time_unit: float = 1e-3) -> Event:
    """Events from a ``.npy`` file with rows ``x, channel, t`` or ``x, y, channel, t``.

    ``time_unit`` is the unit of t in seconds.
    """
    _xypt(fmt)
    try:
        rows = np.load(filename, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(str(filename), f"cannot be read: {error}") from None
    if rows.ndim != 2 or rows.shape[1] not in (3, 4):
        raise DataError(str(filename), f"must hold 3 or 4 numbers an event, has {rows.shape}")
    *places, t = rows.T
    y = places[1] if len(places) == 3 else None
    # in this order, as lava-dl does: 758.5 ms then falls into bin 759
    return Event(places[0], y, places[-1], t * time_unit * 1e3)


def encode_np_spikes(
    filename: str | Path, td_event: Event, fmt: str = "xypt", time_unit: float = 1e-3
) -> None:
    """Write events to a ``.npy`` file, see `read_np_spikes`."""
    _xypt(fmt)
    columns = [td_event.x, td_event.y, td_event.c, td_event.t / (time_unit * 1e3)]
    rows = np.stack([np.asarray(c, float) for c in columns if c is not None], 1)
    with Path(filename).open("wb") as file:
        np.save(file, rows)


def _records(filename: str | Path) -> Array:
    data = np.frombuffer(Path(filename).read_bytes(), np.uint8)
    if data.size % 5:
        raise DataError(str(filename), f"must hold 5 bytes an event, has {data.size} bytes")
    return data.reshape(-1, 5).astype(np.int64)


def _stamps(data: Array) -> tuple[Array, Array]:
    """Channel and time in milliseconds."""
    microseconds = (data[:, 2] & 0x7F) << 16 | data[:, 3] << 8 | data[:, 4]
    return data[:, 2] >> 7, microseconds / 1000


def _write(filename: str | Path, event: Event, first: Array, second: Array) -> None:
    channel = _within(filename, "channel", event.c, 1)
    t = np.round(np.asarray(event.t, float) * 1000).astype(np.int64)
    t = _within(filename, "t in microseconds", t, MOST_MICROSECONDS)
    columns = (first, second, channel << 7 | t >> 16, t >> 8 & 0xFF, t & 0xFF)
    Path(filename).write_bytes(np.stack(columns, 1).astype(np.uint8).tobytes())


def _within(filename: str | Path, what: str, values: Array, most: int) -> Array:
    if values.size and not 0 <= int(values.min()) <= int(values.max()) <= most:
        bad = values.min() if values.min() < 0 else values.max()
        raise DataError(
            str(filename), f"holds {what} from 0 to {most}, got {bad}", "use encode_np_spikes"
        )
    return values


def _only(event: Event, dim: int, filename: str | Path) -> None:
    if event.dim != dim:
        raise DataError(str(filename), f"holds {dim}-D events, got {event.dim}-D ones")
    if event.graded:
        raise DataError(str(filename), "cannot hold the sizes of graded events")


def _xypt(fmt: str) -> None:
    if fmt != "xypt":
        raise ParameterError("spikes in numpy files, fmt", f"must be 'xypt', got {fmt!r}")
