"""Weights in numbers that take few bits: what each kind of array does in its own way.

Both functions dispatch on the type of their first argument; no gradient passes.
"""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from bidl_sim.typing import Value

SHORT = 2**16
TINY = 2.0**-100
"""The scale of weights that are all zero."""


@singledispatch
def scale_of(x: Value, axes: tuple[int, ...], most: int) -> Value:
    """The scale in which whole numbers up to ``most`` reach the largest |x| along some axes.

    It has 16 significant bits, the last of them rounded up. So a float32 holds its multiples up to
    255 exactly, and where the largest of such multiples is found again, so is the scale.
    """
    wide = np.asarray(x, np.promote_types(np.asarray(x).dtype, np.float32))
    largest = np.abs(wide).max(axes, keepdims=True, initial=0)
    mantissa, exponent = np.frexp(largest / most)
    return np.maximum(np.ldexp(np.ceil(mantissa * SHORT) / SHORT, exponent), TINY)


@singledispatch
def half(x: Value) -> Value:
    """The nearest float16 to the nearest float32, in the format of x."""
    return np.asarray(x, np.float32).astype(np.float16).astype(np.asarray(x).dtype)
