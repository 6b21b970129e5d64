"""How much memory a training took."""

from __future__ import annotations

import sys

import torch


def peak_memory_mb(device: torch.device) -> float:
    """The most this process has held so far, in MB: on a GPU its allocations, else resident memory.

    NaN where the system does not tell.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    try:
        import resource
    except ImportError:  # not a Unix
        return float("nan")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
