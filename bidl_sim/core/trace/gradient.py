"""Reverse-mode differentiation of expressions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from bidl_sim.core.trace.expression import Expression, as_float, const, in_order

Rule = Callable[[Expression, Expression], tuple["Expression | None", ...]]
"""(node, gradient of its value) -> gradients of its operands, None where nothing flows."""


def gradients(
    seeds: Iterable[tuple[Expression, Expression]], inputs: Iterable[Expression]
) -> dict[str, Expression]:
    """Gradients of sum(root * seed) by the name of each input; zero where none reaches it.

    ``seeds`` are pairs (root, gradient of root). Where torch's own choice at a kink matters
    (``clip``, ``maximum``), it is the same here.
    """
    found: dict[int, Expression] = {}
    pairs = list(seeds)
    for root, seed in pairs:
        _add(found, root, seed)
    for node in reversed(in_order(root for root, _ in pairs)):
        gradient = found.get(node.number)
        rule = RULES.get(node.op)
        if gradient is None or rule is None:
            continue
        for operand, part in zip(node.args, rule(node, gradient), strict=True):
            if part is not None:
                _add(found, operand, part)
    return {str(x.value): found.get(x.number, const(0.0)) for x in inputs}


def _add(found: dict[int, Expression], node: Expression, part: Expression) -> None:
    if node.kind == "float":
        before = found.get(node.number)
        found[node.number] = part if before is None else before + part


def _choose(condition: Expression, x: Expression, y: Expression) -> Expression:
    return Expression("where", "float", condition, as_float(x), as_float(y))


def _larger(node: Expression, g: Expression, sign: int) -> tuple[Expression | None, ...]:
    """A gradient goes to the operand that was taken; at a tie a bound passes it, a value halves."""
    x, y = node.args
    zero = const(0.0)
    if y.op == "const":
        return _choose(x >= y if sign > 0 else x <= y, g, zero), None
    if x.op == "const":
        return None, _choose(y >= x if sign > 0 else y <= x, g, zero)
    half = _choose(x == y, g * 0.5, zero)
    first, second = (x > y, y > x) if sign > 0 else (x < y, y < x)
    return _choose(first, g, half), _choose(second, g, half)


def _where(node: Expression, g: Expression) -> tuple[Expression | None, ...]:
    condition = node.args[0]
    zero = const(0.0)
    return None, _choose(condition, g, zero), _choose(condition, zero, g)


def _divide(node: Expression, g: Expression) -> tuple[Expression | None, ...]:
    y = node.args[1]
    return g / y, None if y.op == "const" else -(g * node) / y


RULES: Mapping[str, Rule] = {
    "+": lambda n, g: (g, g),
    "-": lambda n, g: (g, -g),
    "*": lambda n, g: (g * n.args[1], g * n.args[0]),
    "/": _divide,
    "neg": lambda n, g: (-g,),
    "min": lambda n, g: _larger(n, g, -1),
    "max": lambda n, g: _larger(n, g, 1),
    "where": _where,
    "exp": lambda n, g: (g * n,),
    "sqrt": lambda n, g: (g / (n * 2.0),),
    "tanh": lambda n, g: (g * (1.0 - n * n),),
    "arctan": lambda n, g: (g / (1.0 + n.args[0] * n.args[0]),),
    "erf": lambda n, g: (g * (2 / math.sqrt(math.pi)) * _bell(n.args[0]),),
    "fire": lambda n, g: (g * n.value(n.args[0]),),
    "straight_through": lambda n, g: (None, g),
}
"""What is missing passes no gradient: comparisons, integers, rounding, ``detach``,
conversions."""


def _bell(x: Expression) -> Expression:
    return Expression("exp", "float", -(x * x))
