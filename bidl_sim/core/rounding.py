"""Weights in numbers that take few bits: what each kind of array does in its own way.

Both functions dispatch on the type of their first argument; no gradient passes.
"""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from bidl_sim.typing import Value

LAST_BITS = 0xFF
"""Those of a float32 that a scale does not use; 16 significant bits remain."""
TINY = 2.0**-100
"""The scale of weights that are all zero."""


@singledispatch
def scale_of(x: Value, axes: tuple[int, ...], most: int) -> Value:
    """The scale in which whole numbers up to ``most`` reach the largest |x| along some axes.

    It is a float32 rounded to 16 significant bits. So a float32 holds its multiples up to 255
    exactly, and where the largest of them is found again, so is the scale.
    """
    largest = np.abs(x).max(axes, keepdims=True).astype(np.float32)
    bits = np.asarray(largest / np.float32(most)).view(np.int32) + LAST_BITS // 2 + 1
    return np.maximum((bits & ~LAST_BITS).view(np.float32), np.float32(TINY))


@singledispatch
def half(x: Value) -> Value:
    """The nearest float16 to the nearest float32, in the format of x."""
    return np.asarray(x, np.float32).astype(np.float16).astype(np.asarray(x).dtype)
