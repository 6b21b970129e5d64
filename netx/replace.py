"""Writing a file so that an old one stays until the new one is whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from bidl_sim.errors import FormatError


def check_folder(path: str | Path) -> None:
    """Refuse a path that no file can be written to, before the work that would be lost."""
    folder = Path(path).resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        reason = "cannot be written to" if folder.is_dir() else "does not exist"
        raise FormatError(str(path), f"its folder {reason}")


@contextmanager
def replacing(path: str | Path, libver: tuple[str, str] | None = None) -> Iterator[h5py.File]:
    """An empty hdf5 file, which takes the place of ``path`` when all is written.

    ``libver`` is the oldest and the newest hdf5 whose features it may use.
    """
    with in_place_of(path) as temporary, h5py.File(temporary, "w", libver=libver) as file:
        yield file


@contextmanager
def in_place_of(path: str | Path) -> Iterator[Path]:
    """The path of an empty file, which takes the place of ``path`` when all is written."""
    path = Path(path)
    check_folder(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        yield Path(temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
