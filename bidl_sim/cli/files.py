"""What several commands read: arrays, and the data a model was trained for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bidl_sim.data import DataConfig, Recordings
from bidl_sim.errors import BidlError, DataError, FormatError
from bidl_sim.typing import Array


def read_array(path: str) -> Array:
    """An array of numbers from a .npy file; nothing is ever unpickled."""
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise DataError(path, f"is no .npy file of numbers: {error}") from None
    if not isinstance(array, np.ndarray):
        raise DataError(path, "must be a .npy file with one array")
    return array


def recorded_data(model: str, path: str | Path | None, split: str, **options: Any) -> Recordings:
    """Recordings framed as the model's file says, which is read with ``options``."""
    return data_config(model, **options).load(split, path)


def data_config(model: str, **options: Any) -> DataConfig:
    """How the model's file, read with ``options``, says that events become frames."""
    from bidl_sim import netx
    from bidl_sim.trainers.parse import parse

    metadata = netx.load(model, **options).metadata
    if "data" not in metadata:
        raise FormatError(
            f"{model}: /metadata", "does not say how events become frames", "use bidl run instead"
        )
    try:
        return parse(DataConfig, metadata["data"], "data")
    except BidlError as error:
        raise FormatError(f"{model}: /metadata", str(error)) from None
