"""Where and in which number format a run computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from bidl_sim.errors import ParameterError

FORMATS = {
    "float64": torch.float64,
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """While it lasts, convolutions of float32 on a GPU are not rounded to ten bits (TF32)."""
    if device.type != "cuda":
        yield
        return
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = allowed


def place(where: str, device: Any, dtype: Any) -> tuple[torch.device, torch.dtype]:
    """A device and a format from what a user gives: None, a name, or torch's own."""
    if dtype is None:
        dtype = torch.float32
    dtype = FORMATS.get(dtype, dtype) if isinstance(dtype, str) else dtype
    if dtype not in FORMATS.values():
        raise ParameterError(f"{where}, dtype", f"must be one of {', '.join(FORMATS)}, got {dtype}")
    try:
        found = torch.device("cpu" if device is None else device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ParameterError(f"{where}, device", f"{device!r} is not usable: {reason}") from None
    return found, dtype
