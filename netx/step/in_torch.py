"""Each operation of a step graph in plain torch operations."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812

from bidl_sim.netx.step.graph import Node

Operation: TypeAlias = Callable[..., Any]
"""(operation, float dtype, *operands) -> its result; operands are tensors or plain numbers."""


def _plainly(function: Callable[..., Any]) -> Operation:
    """An operation without attributes."""
    return lambda node, dtype, *operands: function(*operands)


def _smaller(node: Node, dtype: torch.dtype, x: Any, y: Any) -> Any:
    x, y = _number_last(x, y)
    return torch.clamp(x, max=y) if _is_number(y) else torch.minimum(x, y)


def _larger(node: Node, dtype: torch.dtype, x: Any, y: Any) -> Any:
    x, y = _number_last(x, y)
    return torch.clamp(x, min=y) if _is_number(y) else torch.maximum(x, y)


def _is_number(x: Any) -> bool:
    return isinstance(x, (bool, int, float))


def _number_last(x: Any, y: Any) -> tuple[Any, Any]:
    return (y, x) if _is_number(x) else (x, y)


def _float(node: Node, dtype: torch.dtype, x: Any) -> Any:
    return x.to(dtype)


def _int(node: Node, dtype: torch.dtype, x: Any) -> Any:
    return x.to(torch.int64)


def _bool(node: Node, dtype: torch.dtype, x: Any) -> Any:
    return x.to(torch.bool)


def _cmp_and_fire(node: Node, dtype: torch.dtype, x: Any, theta: Any) -> Any:
    return (x > theta).to(dtype)


def _reset_with_decay(
    node: Node, dtype: torch.dtype, x: Any, theta: Any, v_0: Any, alpha: Any, beta: Any
) -> Any:
    return torch.where(x > theta, v_0, x) * alpha + beta


def _conv(node: Node, dtype: torch.dtype, x: Any, weight: Any, bias: Any = None) -> Any:
    return F.conv2d(x, weight, bias, **node.attributes)


def _conv_transpose(node: Node, dtype: torch.dtype, x: Any, weight: Any, bias: Any = None) -> Any:
    return F.conv_transpose2d(x, weight, bias, **node.attributes)


def _avg_pool(node: Node, dtype: torch.dtype, x: Any) -> Any:
    return F.avg_pool2d(x, **node.attributes)  # the zeros of the padding count


def _max_pool(node: Node, dtype: torch.dtype, x: Any) -> Any:
    return F.max_pool2d(x, **node.attributes)


def _einsum(node: Node, dtype: torch.dtype, x: Any, y: Any) -> Any:
    first, second, result = node.attributes["equation"].replace("->", ",").split(",")
    return torch.functional.einsum(f"Z{first},Z{second}->Z{result}", [x, y])


def _sum(node: Node, dtype: torch.dtype, x: Any) -> Any:
    return x.sum([1 + k for k in node.attributes["axes"]], keepdim=True)


def _mean(node: Node, dtype: torch.dtype, x: Any) -> Any:
    return x.mean([1 + k for k in node.attributes["axes"]], keepdim=True)


def _reshape(node: Node, dtype: torch.dtype, x: Any) -> Any:
    assert node.output is not None
    return x.reshape(-1, *node.output.shape)


def _expand(node: Node, dtype: torch.dtype, x: Any, like: Any) -> Any:
    """To all samples, as many as the second operand has."""
    assert node.output is not None
    return x.expand(like.size(0), *node.output.shape)


def _concat(node: Node, dtype: torch.dtype, *parts: Any) -> Any:
    return torch.cat(parts, 1 + node.attributes["axis"])


def _slice(node: Node, dtype: torch.dtype, x: Any) -> Any:
    start, stop, axis = (node.attributes[n] for n in ("start", "stop", "axis"))
    return x.narrow(1 + axis, start, stop - start)


def _pad(node: Node, dtype: torch.dtype, x: Any) -> Any:
    """Zeros before and after the first axis."""
    rest = [0, 0] * (len(node.inputs[0].shape) - 1)
    return F.pad(x, [*rest, node.attributes["before"], node.attributes["after"]])


OPERATIONS: Mapping[str, Operation] = {
    "+": _plainly(operator.add),
    "-": _plainly(operator.sub),
    "*": _plainly(operator.mul),
    "/": _plainly(operator.truediv),
    "//": _plainly(operator.floordiv),
    "%": _plainly(torch.remainder),
    "min": _smaller,
    "max": _larger,
    "neg": _plainly(torch.neg),
    "<": _plainly(operator.lt),
    "<=": _plainly(operator.le),
    ">": _plainly(operator.gt),
    ">=": _plainly(operator.ge),
    "==": _plainly(operator.eq),
    "!=": _plainly(operator.ne),
    "&": _plainly(operator.and_),
    "|": _plainly(operator.or_),
    "^": _plainly(operator.xor),
    "not": _plainly(torch.logical_not),
    "where": _plainly(torch.where),
    "exp": _plainly(torch.exp),
    "arctan": _plainly(torch.atan),
    "tanh": _plainly(torch.tanh),
    "erf": _plainly(torch.erf),
    "sqrt": _plainly(torch.sqrt),
    "floor": _plainly(torch.floor),
    "nearest": _plainly(torch.round),
    "float": _float,
    "int": _int,
    "bool": _bool,
    "cmp_and_fire": _cmp_and_fire,
    "reset_with_decay": _reset_with_decay,
    "linear": _plainly(F.linear),
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "avg_pool": _avg_pool,
    "max_pool": _max_pool,
    "einsum": _einsum,
    "sum": _sum,
    "mean": _mean,
    "reshape": _reshape,
    "expand": _expand,
    "concat": _concat,
    "slice": _slice,
    "pad": _pad,
    "gather": lambda node, dtype, table, place: torch.index_select(table, 0, place),
}
