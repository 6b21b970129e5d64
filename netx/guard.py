"""Opening hdf5 files made by strangers.

Before anything is read, the whole structure is walked and refused if it could reach outside the
file, loop, or claim more memory than the file has bytes: soft and external links, external
storage, virtual datasets, object cycles, chunked or compressed storage, references and
variable-length data, shapes beyond the stored bytes. Other libraries write texts of variable length
and compress arrays: for their formats these are let through, the latter up to a size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bidl_sim.errors import FormatError

MAX_OBJECTS = 200_000
MAX_DEPTH = 200
MAX_ATTRIBUTES = 256
UNPACKED = 2**28
"""Bytes that compressed data may have beyond those of the file."""
CHUNK = 2**12
"""Bytes that a chunk counts for at least, so that there are not too many to read."""
TEXT = 16
"""Bytes that stand for a text of variable length: its length, and where it is."""
FILTERS = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, 32000)
"""Compression that hdf5 and h5py have themselves; the last one is LZF."""


@contextmanager
def open_guarded(
    path: str | Path, texts: bool = False, compressed: bool = False
) -> Iterator[h5py.File]:
    """An hdf5 file that is safe to read; any failure inside becomes a `FormatError`.

    With ``texts`` a dataset may hold texts of variable length, for `bidl_sim.netx.heap` to read,
    and an attribute may, which is not to be read.
    With ``compressed`` datasets may be chunked and compressed.
    """
    path = Path(path)
    if not path.is_file():
        raise FormatError(str(path), "is not a file" if path.exists() else "does not exist")
    try:
        if not h5py.is_hdf5(path):
            raise FormatError(str(path), "is no hdf5 file")
        with h5py.File(path, "r") as file:
            _check(file, path, texts, compressed)
            yield file
    except FormatError:
        raise
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FormatError(str(path), f"is damaged: {reason}") from None


def _check(file: h5py.File, path: Path, texts: bool, compressed: bool) -> None:
    available = path.stat().st_size + (UNPACKED if compressed else 0)
    seen: set[Any] = set()
    waiting: list[tuple[str, h5py.Group, int]] = [("", file["/"], 0)]
    while waiting:
        name, group, depth = waiting.pop()
        where = f"{path}: {name or '/'}"
        key = h5py.h5o.get_info(group.id).addr
        if key in seen:
            raise FormatError(where, "is reached twice; groups must form a tree")
        seen.add(key)
        if depth > MAX_DEPTH or len(seen) > MAX_OBJECTS:
            raise FormatError(where, "holds too many objects or nests too deep")
        _check_attributes(group, where, texts)
        for child in group:
            at = f"{name}/{child}"
            link = group.get(child, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise FormatError(f"{path}: {at}", f"is a {type(link).__name__}, which is refused")
            item = group[child]
            if isinstance(item, h5py.Group):
                waiting.append((at, item, depth + 1))
            elif isinstance(item, h5py.Dataset):
                at = f"{path}: {at}"
                available -= _check_dataset(item, at, available, texts, compressed)
            else:
                raise FormatError(f"{path}: {at}", "is neither a group nor a dataset")


def _check_dataset(
    dataset: h5py.Dataset, where: str, available: int, texts: bool, compressed: bool
) -> int:
    """The bytes a dataset takes, at most ``available``."""
    layout = dataset.id.get_create_plist().get_layout()
    if dataset.id.get_create_plist().get_external_count():
        raise FormatError(where, "keeps its data in another file, which is refused")
    if layout == h5py.h5d.VIRTUAL:
        raise FormatError(where, "is a virtual dataset, which is refused")
    chunked = layout == h5py.h5d.CHUNKED
    if chunked and not compressed:
        raise FormatError(where, "must be stored contiguously, without chunks or compression")
    kind = dataset.id.get_type()
    is_text = texts and kind.get_class() == h5py.h5t.STRING and kind.is_variable_str()
    if not is_text:
        _check_type(kind, where)
    item = TEXT if is_text else kind.get_size()
    size = _bytes(dataset.shape or (), item)
    if chunked:
        size = max(size, _chunk_bytes(dataset, where, item))
    if size > available:
        raise FormatError(
            where,
            f"declares shape {dataset.shape}, {size} bytes, more than the file holds",
        )
    if not chunked and size != dataset.id.get_storage_size():
        raise FormatError(where, f"declares {size} bytes, stores {dataset.id.get_storage_size()}")
    _check_attributes(dataset, where, texts)
    return size


def _chunk_bytes(dataset: h5py.Dataset, where: str, item: int) -> int:
    """What the chunks of a dataset count for; `FormatError` for a foreign compression."""
    plist = dataset.id.get_create_plist()
    for number in range(plist.get_nfilters()):
        if plist.get_filter(number)[0] not in FILTERS:
            raise FormatError(where, "is compressed in a way that is not part of hdf5")
    chunk = plist.get_chunk()
    one = max(_bytes(chunk, item), CHUNK)
    return _bytes(tuple(-(-n // c) for n, c in zip(dataset.shape, chunk, strict=True)), one)


def _check_attributes(item: h5py.HLObject, where: str, texts: bool) -> None:
    count = h5py.h5a.get_num_attrs(item.id)
    if count > MAX_ATTRIBUTES:
        raise FormatError(where, f"has {count} attributes, at most {MAX_ATTRIBUTES} are allowed")
    for number in range(count):
        attribute = h5py.h5a.open(item.id, index=number)
        at = f"{where}, attribute {attribute.name.decode(errors='replace')!r}"
        kind = attribute.get_type()
        if texts and kind.get_class() == h5py.h5t.STRING and kind.is_variable_str():
            continue  # nobody reads it
        _check_type(kind, at)
        if _bytes(attribute.shape, attribute.get_type().get_size()) > 2**16:
            raise FormatError(at, f"has shape {attribute.shape}, which is too large")


def _check_type(kind: Any, where: str) -> None:
    """Numbers, booleans and fixed-length strings; nothing that points elsewhere."""
    known = (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING, h5py.h5t.ENUM)
    if kind.get_class() not in known or (
        kind.get_class() == h5py.h5t.STRING and kind.is_variable_str()
    ):
        raise FormatError(where, "must hold numbers, booleans or fixed-length strings")


def _bytes(shape: tuple[int, ...], item: int) -> int:
    total = item
    for axis in shape:
        total *= int(axis)  # Python integers do not overflow
    return total if np.isfinite(total) else 2**63
