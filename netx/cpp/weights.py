"""The file of weights that a program reads when it starts.

All numbers are little-endian:

    bytes 0 to 7     the letters "BIDLCPP1"
    bytes 8 to 15    how many bytes follow the header
    bytes 16 to 19   their CRC-32, as zlib and PNG have it
    bytes 20 to 23   the CRC-32 of the generated code that they belong to
    from byte 24     arrays in the order of the code, one after another, each in C order
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

import numpy as np

from bidl_sim.errors import FormatError
from bidl_sim.typing import Array

MAGIC = b"BIDLCPP1"


def formatted(name: str, value: Array, kind: str, dtype: str) -> Array:
    """An array in the format of its kind; what that cannot hold is refused."""
    target = {"float": dtype, "int": "int64", "bool": "bool", "index": "int32"}[kind]
    with np.errstate(over="ignore"):
        given = np.ascontiguousarray(value, target)
    if kind == "float" and np.isinf(given).any() and not np.isinf(value).any():
        raise FormatError(name, f"holds numbers that {dtype} cannot, such as {np.max(value)}")
    return given


def packed(arrays: Iterable[Array], code: int) -> bytes:
    """The file's content."""
    data = b"".join(a.astype(a.dtype.newbyteorder("<"), copy=False).tobytes() for a in arrays)
    return MAGIC + struct.pack("<QII", len(data), zlib.crc32(data), code) + data
