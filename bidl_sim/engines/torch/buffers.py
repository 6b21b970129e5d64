"""Memory that is used again: a fresh page costs more than the arithmetic done on it."""

from __future__ import annotations

import math
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bidl_sim.typing import Array

NUMPY = {torch.float32: np.float32, torch.float64: np.float64, torch.int64: np.int64}
PATIENCE = 256
"""A buffer of a size that so many requests did not ask for is given back."""


class Buffers:
    """Hands out uninitialised tensors; one that nobody holds any more is handed out again."""

    def __init__(self) -> None:
        self._held: dict[Any, list[Array]] = defaultdict(list)
        self._asked: dict[Any, int] = {}
        self._requests = 0
        self._lock = threading.Lock()

    def take(self, shape: Iterable[int], dtype: torch.dtype) -> Tensor:
        """A tensor of this shape on the CPU, its values undefined."""
        shape = tuple(shape)
        key = (math.prod(shape), dtype)
        with self._lock:
            self._requests += 1
            self._asked[key] = self._requests
            self._forget()
            held = self._held[key]
            for place in range(len(held)):
                if sys.getrefcount(held[place]) == _UNUSED:
                    return torch.from_numpy(held[place]).view(shape)
            held.append(np.empty(key[0], NUMPY[dtype]))
            return torch.from_numpy(held[-1]).view(shape)

    def _forget(self) -> None:
        for key in [k for k, when in self._asked.items() if self._requests - when > PATIENCE]:
            del self._asked[key]
            self._held.pop(key, None)


_probe = [np.empty(1)]
_UNUSED = sys.getrefcount(_probe[0])
"""References to an array that only a list holds; a tensor made from it adds one."""

take = Buffers().take
