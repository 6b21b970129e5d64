"""Sharing one kernel's neurons, or samples, among threads."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import torch

Item = TypeVar("Item")

ALIGNED = 64
"""Parts begin at multiples of so many neurons, so that no two threads write one cache line."""


SHARES = 4
"""Parts for each thread."""


def threads() -> int:
    """How many threads share a kernel: as many as torch uses."""
    return torch.get_num_threads()


def parts() -> int:
    """Into how many parts the neurons are divided: more than threads, for those that come late."""
    return SHARES * threads()


def in_threads(work: Callable[[int, int, int, int], None], neurons: int) -> None:
    """Call ``work(thread, part, low, high)`` for consecutive parts of the neurons."""
    size = math.ceil(neurons / parts() / ALIGNED) * ALIGNED
    ends = [(k, n, min(n + size, neurons)) for k, n in enumerate(range(0, neurons, size))]
    shared(lambda thread, part: work(thread, *part), ends)


def shared(work: Callable[[int, Item], None], items: Sequence[Item]) -> None:
    """Call ``work(thread, item)`` for all items.

    A thread takes the next item when it is done with one, so that a thread whose core is busy with
    something else, such as a thread of torch that still spins, holds up little.
    """
    waiting = iter(items)

    def share(thread: int) -> None:
        for item in waiting:
            work(thread, item)

    most = min(threads(), len(items))
    helping = [_pool(threads()).submit(share, thread) for thread in range(1, most)]
    share(0)
    for thread in helping:
        thread.result()


@cache
def _pool(size: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(size, "bidl_sim kernel")
