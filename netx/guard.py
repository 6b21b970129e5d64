"""Opening hdf5 files made by strangers.

Before anything is read, the whole structure is walked and refused if it could reach outside the
file, loop, or claim more memory than the file has bytes: soft and external links, external
storage, virtual datasets, object cycles, chunked or compressed storage, references and
variable-length data, shapes beyond the stored bytes. Other libraries write words as texts of
variable length: for their formats a single one is let through.
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


@contextmanager
def open_guarded(path: str | Path, texts: bool = False) -> Iterator[h5py.File]:
    """An hdf5 file that is safe to read; any failure inside becomes a `FormatError`.

    With ``texts`` a dataset may be one text of variable length.
    """
    path = Path(path)
    if not path.is_file():
        raise FormatError(str(path), "is not a file" if path.exists() else "does not exist")
    try:
        if not h5py.is_hdf5(path):
            raise FormatError(str(path), "is no hdf5 file")
        with h5py.File(path, "r") as file:
            _check(file, path, texts)
            yield file
    except FormatError:
        raise
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FormatError(str(path), f"is damaged: {reason}") from None


def _check(file: h5py.File, path: Path, texts: bool) -> None:
    available = path.stat().st_size
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
        _check_attributes(group, where)
        for child in group:
            at = f"{name}/{child}"
            link = group.get(child, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise FormatError(f"{path}: {at}", f"is a {type(link).__name__}, which is refused")
            item = group[child]
            if isinstance(item, h5py.Group):
                waiting.append((at, item, depth + 1))
            elif isinstance(item, h5py.Dataset):
                available -= _check_dataset(item, f"{path}: {at}", available, texts)
            else:
                raise FormatError(f"{path}: {at}", "is neither a group nor a dataset")


def _check_dataset(dataset: h5py.Dataset, where: str, available: int, texts: bool) -> int:
    """The bytes a dataset takes, at most ``available``."""
    layout = dataset.id.get_create_plist().get_layout()
    if dataset.id.get_create_plist().get_external_count():
        raise FormatError(where, "keeps its data in another file, which is refused")
    if layout == h5py.h5d.VIRTUAL:
        raise FormatError(where, "is a virtual dataset, which is refused")
    if layout not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT):
        raise FormatError(where, "must be stored contiguously, without chunks or compression")
    if texts and dataset.shape == () and h5py.check_string_dtype(dataset.dtype):
        _check_attributes(dataset, where)
        return int(dataset.id.get_storage_size())
    _check_type(dataset.id.get_type(), where)
    size = _bytes(dataset.shape or (), dataset.id.get_type().get_size())
    if size > available:
        raise FormatError(
            where,
            f"declares shape {dataset.shape}, {size} bytes, more than the file holds",
        )
    if size != dataset.id.get_storage_size():
        raise FormatError(where, f"declares {size} bytes, stores {dataset.id.get_storage_size()}")
    _check_attributes(dataset, where)
    return size


def _check_attributes(item: h5py.HLObject, where: str) -> None:
    count = h5py.h5a.get_num_attrs(item.id)
    if count > MAX_ATTRIBUTES:
        raise FormatError(where, f"has {count} attributes, at most {MAX_ATTRIBUTES} are allowed")
    for number in range(count):
        attribute = h5py.h5a.open(item.id, index=number)
        at = f"{where}, attribute {attribute.name.decode(errors='replace')!r}"
        _check_type(attribute.get_type(), at)
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
