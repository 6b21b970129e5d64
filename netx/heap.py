"""Texts of variable length, read from an hdf5 file's heap.

hdf5 takes the length that a text declares at its word, and may ask for 4 GB before it looks at what
is there; in a damaged heap it may look without end. The little that is needed of the format is read
here instead, within bounds: the reference (length, address and number of an object) and the
collection of objects at that address, as the HDF5 File Format Specification describes them in
III.E.
"""

from __future__ import annotations

import struct
from typing import Any

import h5py
import numpy as np

from bidl_sim.errors import FormatError

MOST = 1 << 16
"""No text is longer, in bytes."""
OBJECTS = 1 << 20
"""So many objects of a heap are looked at for a dataset."""
REFERENCE = struct.Struct("<IQI")
COLLECTION = struct.Struct("<4sB3xQ")
OBJECT = struct.Struct("<HH4xQ")


def read_text(dataset: h5py.Dataset, where: str, longest: int = MOST) -> str:
    """The one text of a dataset, of fixed or variable length; `FormatError` if it is none."""
    if h5py.check_string_dtype(dataset.dtype) is None or dataset.size != 1:
        raise FormatError(where, "must be one text")
    return read_texts(dataset, where, longest)[0]


def read_texts(dataset: h5py.Dataset, where: str, longest: int = MOST) -> list[str]:
    """All texts of a dataset, the last axis fastest, each of at most ``longest`` bytes."""
    kind = h5py.check_string_dtype(dataset.dtype)
    if kind is None:
        raise FormatError(where, f"must be text, is {dataset.dtype}")
    if kind.length is None:
        return _Heap(dataset, where, longest).texts(dataset.size)
    if kind.length > longest:
        raise FormatError(where, f"is longer than {longest} bytes")
    return [_decoded(raw, where) for raw in np.asarray(dataset[()]).reshape(-1).tolist()]


def _decoded(raw: bytes, where: str) -> str:
    try:
        return raw.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        raise FormatError(where, f"is no text: {raw[:40]!r}") from None


class _Heap:
    """The texts that a dataset refers to; what several references share is read once."""

    def __init__(self, dataset: h5py.Dataset, where: str, longest: int) -> None:
        self.name, self.offset = dataset.file.filename, dataset.id.get_offset()
        if self.offset is None:
            raise FormatError(where, "must be stored contiguously")
        self.where, self.longest = where, longest
        self.objects: dict[int, dict[int, tuple[int, int]]] = {}
        self.known: dict[tuple[int, int, int], str] = {}
        self.left = OBJECTS

    def texts(self, count: int) -> list[str]:
        """What the references of the dataset stand for."""
        with open(self.name, "rb") as self.file:
            self.file.seek(self.offset)
            raw = self.file.read(count * REFERENCE.size)
            if len(raw) < count * REFERENCE.size:
                raise FormatError(self.where, "lies outside the file")
            return [self.text(reference) for reference in REFERENCE.iter_unpack(raw)]

    def text(self, reference: tuple[int, int, int]) -> str:
        """Of a length, the address of a collection, and the number of an object there."""
        length, address, number = reference
        if length > self.longest:
            raise FormatError(
                self.where,
                f"declares a text of {length} bytes, at most {self.longest} are allowed",
            )
        if length and reference not in self.known:
            place, stored = self.collection(address).get(number, (0, 0))
            if stored < length:
                raise FormatError(self.where, "refers to an object that its heap does not hold")
            self.file.seek(place)
            self.known[reference] = _decoded(self.file.read(length), self.where)
        return self.known.get(reference, "")

    def collection(self, address: int) -> dict[int, tuple[int, int]]:
        """Place and size of the objects of a collection, by number."""
        if address not in self.objects:
            mark, _, size = self.read(COLLECTION, address)
            if mark != b"GCOL":
                raise FormatError(self.where, "refers to no heap")
            found: dict[int, tuple[int, int]] = {}
            place, end = address + COLLECTION.size, address + size
            while place + OBJECT.size <= end:
                number, _, stored = self.read(OBJECT, place)
                self.left -= 1
                if not number or self.left < 0:
                    break
                found[number] = (place + OBJECT.size, stored)
                place += OBJECT.size + -(-stored // 8) * 8
            self.objects[address] = found
        return self.objects[address]

    def read(self, shape: struct.Struct, at: int) -> tuple[Any, ...]:
        """Numbers from a place in the file."""
        self.file.seek(min(at, 1 << 62))
        raw = self.file.read(shape.size)
        if len(raw) < shape.size:
            raise FormatError(self.where, "refers to a place outside the file")
        return shape.unpack(raw)
