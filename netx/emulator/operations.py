"""Each operation of a step graph in numpy, its result rounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, TypeAlias

import numpy as np
from scipy.special import erf

from bidl_sim.netx.emulator import windows
from bidl_sim.netx.emulator.numbers import Numbers
from bidl_sim.netx.step.graph import Node
from bidl_sim.typing import Array

PFIT_LOWEST = -100.0
"""The lower end of the window in which ``reset_with_decay`` is fitted."""

BY_VALUE: Mapping[str, Callable[..., Array]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "//": np.floor_divide,
    "%": np.remainder,
    "min": np.minimum,
    "max": np.maximum,
    "neg": np.negative,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
    "&": np.bitwise_and,
    "|": np.bitwise_or,
    "^": np.bitwise_xor,
    "not": np.logical_not,
    "where": np.where,
    "exp": np.exp,
    "arctan": np.arctan,
    "tanh": np.tanh,
    "erf": erf,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "nearest": np.rint,
    "float": np.asarray,
    "int": np.asarray,
    "bool": np.asarray,
}
"""Operations value by value. numpy computes float16 in float32 and rounds, which is the same as
rounding once for ``+ - * /`` and the square root."""


def compute(numbers: Numbers, node: Node, operands: list[Array]) -> Array:
    """The result of one operation, ``(batch, *shape)``."""
    assert node.output is not None  # loads and saves are the executor's
    with np.errstate(all="ignore"):  # too large is infinite, as in any such format
        if node.op in BY_VALUE:
            found = BY_VALUE[node.op](*operands)
        else:
            found = OTHERS[node.op](numbers, node, *operands)
        return np.asarray(found).astype(numbers.of(node.output.kind), copy=False)


def _cmp_and_fire(numbers: Numbers, node: Node, x: Array, theta: Array) -> Array:
    return x > theta


def _reset_with_decay(
    numbers: Numbers, node: Node, x: Array, theta: Array, v_0: Array, alpha: Array, beta: Array
) -> Array:
    """The product is rounded, then the sum."""
    fired = x > theta
    if numbers.pfit_window:
        fired = fired | (x <= PFIT_LOWEST)
    return alpha * np.where(fired, v_0, x) + beta


def _linear(
    numbers: Numbers, node: Node, x: Array, weight: Array, bias: Array | None = None
) -> Array:
    column = None if bias is None else bias[:, None]
    return numbers.products(weight, x[..., None], column)[..., 0]


def _einsum(numbers: Numbers, node: Node, first: Array, second: Array) -> Array:
    """All products of two values, then their sums."""
    one, two, result = node.attributes["equation"].replace("->", ",").split(",")
    summed = "".join(dict.fromkeys(axis for axis in one + two if axis not in result))
    wide = (x.astype(numbers.wide) for x in (first, second))
    products = np.einsum(f"Z{one},Z{two}->Z{result}{summed}", *wide)
    size = prod(products.shape[1 + len(result) :])
    return _sums(numbers, products.reshape(*products.shape[: 1 + len(result)], size))


def _over(mean: bool) -> Operation:
    def over(numbers: Numbers, node: Node, x: Array) -> Array:
        assert node.output is not None
        axes = [1 + k for k in node.attributes["axes"]]
        kept = [k for k in range(x.ndim) if k not in axes]
        size = prod(x.shape[k] for k in axes)
        last = x.transpose(*kept, *axes).reshape(*(x.shape[k] for k in kept), size)
        found = _sums(numbers, last, size if mean else 1)
        return found.reshape(-1, *node.output.shape)

    return over


def _sums(numbers: Numbers, x: Array, over: int = 1) -> Array:
    """Over the last axis, divided by a number."""
    flat = x.reshape(len(x), -1, x.shape[-1]).swapaxes(1, 2)
    ones = np.ones((1, x.shape[-1]), numbers.wide)
    return numbers.products(ones, flat, over=over)[:, 0].reshape(x.shape[:-1])


def _reshape(numbers: Numbers, node: Node, x: Array) -> Array:
    assert node.output is not None
    return x.reshape(-1, *node.output.shape)


def _expand(numbers: Numbers, node: Node, x: Array, like: Array) -> Array:
    assert node.output is not None
    return np.broadcast_to(x, (len(like), *node.output.shape))


def _concat(numbers: Numbers, node: Node, *parts: Array) -> Array:
    return np.concatenate(parts, 1 + node.attributes["axis"])


def _slice(numbers: Numbers, node: Node, x: Array) -> Array:
    said = node.attributes
    before = (slice(None),) * (1 + said["axis"])
    return x[(*before, slice(said["start"], said["stop"]))]


def _pad(numbers: Numbers, node: Node, x: Array) -> Array:
    said = node.attributes
    none = (0, 0)
    return np.pad(x, (none, (said["before"], said["after"]), *[none] * (x.ndim - 2)))


def _gather(numbers: Numbers, node: Node, held: Array, place: Array) -> Array:
    return held[place]


Operation: TypeAlias = Callable[..., Any]
"""(numbers, node, *operands) -> result."""

OTHERS: Mapping[str, Operation] = {
    "cmp_and_fire": _cmp_and_fire,
    "reset_with_decay": _reset_with_decay,
    "linear": _linear,
    "conv": windows.conv,
    "conv_transpose": windows.conv_transpose,
    "avg_pool": windows.avg_pool,
    "max_pool": windows.max_pool,
    "einsum": _einsum,
    "sum": _over(mean=False),
    "mean": _over(mean=True),
    "reshape": _reshape,
    "expand": _expand,
    "concat": _concat,
    "slice": _slice,
    "pad": _pad,
    "gather": _gather,
}
