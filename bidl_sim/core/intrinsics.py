"""The functions a step may use beside arithmetic and comparison.

Each dispatches on the type of its first argument, so that one equation runs on plain numbers,
numpy arrays and whatever an engine registers (torch tensors, traced expressions)::

    v = clip(v, -1.0, 1.0)

An engine adds its own kind with ``exp.register(Kind)``.
"""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from bidl_sim.typing import Value


@singledispatch
def exp(x: Value) -> Value:
    """E to the power x."""
    return np.exp(x)


@singledispatch
def arctan(x: Value) -> Value:
    """The angle whose tangent is x."""
    return np.arctan(x)


@singledispatch
def tanh(x: Value) -> Value:
    """Hyperbolic tangent."""
    return np.tanh(x)


@singledispatch
def erf(x: Value) -> Value:
    """The error function."""
    from scipy.special import erf as scipy_erf

    return scipy_erf(x)


@singledispatch
def where(condition: Value, x: Value, y: Value) -> Value:
    """X where the condition holds, y elsewhere."""
    return np.where(condition, x, y)


@singledispatch
def maximum(x: Value, y: Value) -> Value:
    """The larger of the two."""
    return np.maximum(x, y)


@singledispatch
def minimum(x: Value, y: Value) -> Value:
    """The smaller of the two."""
    return np.minimum(x, y)


@singledispatch
def detach(x: Value) -> Value:
    """x, through which no gradient flows."""
    return x


@singledispatch
def floor(x: Value) -> Value:
    """The largest whole number not above x; no gradient passes."""
    return np.floor(x)


@singledispatch
def nearest(x: Value) -> Value:
    """The nearest whole number, of two equally near the even one; no gradient passes."""
    return np.rint(x)


@singledispatch
def integer(x: Value) -> Value:
    """X cut towards zero, as a 64-bit integer to count and shift with; no gradient passes."""
    return np.trunc(x).astype(np.int64)


@singledispatch
def straight_through(value: Value, smooth: Value) -> Value:
    """Value, with the gradient of smooth: what is computed on a grid learns as if it were not."""
    return value


def clip(x: Value, low: Value, high: Value) -> Value:
    """X moved into [low, high]."""
    return minimum(maximum(x, low), high)
