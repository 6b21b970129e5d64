"""Texts of variable length, read from an hdf5 file's heap.

hdf5 takes the length that a text declares at its word, and may ask for 4 GB before it looks at what
is there. The little that is needed of the format is read here instead, within bounds: the reference
(length, address and number of an object) and the collection of objects at that address, as the HDF5
File Format Specification describes them in III.E.
"""

from __future__ import annotations

import struct
from typing import Any

import h5py

from bidl_sim.errors import FormatError

MOST = 1 << 16
"""No text is longer, in bytes."""
REFERENCE = struct.Struct("<IQI")
COLLECTION = struct.Struct("<4sB3xQ")
OBJECT = struct.Struct("<HH4xQ")


def read_text(dataset: h5py.Dataset, where: str) -> str:
    """The text of a scalar dataset, of fixed or variable length; `FormatError` if it is none."""
    kind = h5py.check_string_dtype(dataset.dtype)
    if kind is None or dataset.size != 1:
        raise FormatError(where, "must be one text")
    if kind.length is not None:
        if kind.length > MOST:
            raise FormatError(where, f"is longer than {MOST} bytes")
        raw = bytes(dataset[()] if dataset.shape == () else dataset[0])
    else:
        raw = _variable(dataset, where)
    try:
        return raw.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        raise FormatError(where, f"is no text: {raw[:40]!r}") from None


def _variable(dataset: h5py.Dataset, where: str) -> bytes:
    offset = dataset.id.get_offset()
    if offset is None:
        raise FormatError(where, "must be stored contiguously")
    with open(dataset.file.filename, "rb") as file:

        def read(shape: struct.Struct, at: int) -> tuple[Any, ...]:
            file.seek(min(at, 1 << 62))
            raw = file.read(shape.size)
            if len(raw) < shape.size:
                raise FormatError(where, "refers to a place outside the file")
            return shape.unpack(raw)

        length, address, wanted = read(REFERENCE, offset)
        if not length:
            return b""
        if length > MOST:
            raise FormatError(
                where, f"declares a text of {length} bytes, at most {MOST} are allowed"
            )
        mark, _, size = read(COLLECTION, address)
        if mark != b"GCOL":
            raise FormatError(where, "refers to no heap")
        place, end = address + COLLECTION.size, address + size
        while place + OBJECT.size <= end:
            number, _, stored = read(OBJECT, place)
            if number == wanted and number:
                if stored < length:
                    break
                file.seek(place + OBJECT.size)
                return file.read(length)
            if not number:
                break
            place += OBJECT.size + -(-stored // 8) * 8
    raise FormatError(where, "refers to an object that its heap does not hold")
