"""Sharing one kernel's neurons among threads."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch

ALIGNED = 64
"""Parts begin at multiples of so many neurons, so that no two threads write one cache line."""


def threads() -> int:
    """How many threads share a kernel: as many as torch uses."""
    return torch.get_num_threads()


def in_threads(work: Callable[[int, int, int], None], neurons: int) -> None:
    """Call ``work(slot, low, high)`` for consecutive parts of the neurons, each in a thread."""
    size = math.ceil(neurons / threads() / ALIGNED) * ALIGNED
    parts = [(k, low, min(low + size, neurons)) for k, low in enumerate(range(0, neurons, size))]
    waiting = [_pool(threads()).submit(work, *part) for part in parts[1:]]
    work(*parts[0])
    for part in waiting:
        part.result()


@cache
def _pool(size: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(size, "bidl_sim kernel")
