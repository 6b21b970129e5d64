"""Data and files of others, which stand beside the checkout or where BIDL_SHARED says."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import pytest

SHARED = Path(os.environ.get("BIDL_SHARED", Path(__file__).resolve().parents[2] / "shared"))
DATA = SHARED / "data"


def folder(name: str) -> Path:
    """A folder of data; the test is skipped where it is not here."""
    if not (DATA / name).is_dir():
        pytest.skip(f"{name} is not here (set BIDL_SHARED)")
    return DATA / name


def members(path: Path) -> dict[str, tuple]:
    """The datasets of an hdf5 file: dtype and value by name."""
    found = {}

    def take(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = (item.dtype, item[()])

    with h5py.File(path) as file:
        file.visititems(take)
    return found
