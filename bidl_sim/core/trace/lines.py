"""Expressions as lines of Python that numba compiles: one assignment an operation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bidl_sim.core.trace.expression import (
    ARITHMETIC,
    BITWISE,
    COMPARISONS,
    Expression,
    in_order,
)

TEMPLATES = {
    **{op: f"{{0}} {op} {{1}}" for op in (*ARITHMETIC, *COMPARISONS, *BITWISE)},
    "min": "{0} if {0} < {1} else {1}",
    "max": "{0} if {0} > {1} else {1}",
    "neg": "-{0}",
    "not": "not {0}",
    "where": "{1} if {0} else {2}",
    "float": "F({0})",
    "exp": "math.exp({0})",
    "arctan": "math.atan({0})",
    "tanh": "math.tanh({0})",
    "erf": "math.erf({0})",
    "sqrt": "math.sqrt({0})",
}
"""``F`` is the kernel's float type, so that a plain number does not widen a float32."""


def lines(results: Mapping[str, Expression], names: Mapping[str, str]) -> list[str]:
    """Assignments that compute ``results`` into variables of their names.

    ``names`` gives the variable of each input symbol. Equal operations are done once.
    """
    written: list[str] = []
    variable: dict[int, str] = {}
    known: dict[Any, str] = {}
    for node in in_order(results.values()):
        operands = tuple(variable[x.number] for x in node.args)
        if node.op == "input":
            variable[node.number] = names[node.value]
        elif node.op == "const":
            variable[node.number] = literal(node)
        elif node.op == "detach":
            variable[node.number] = operands[0]
        else:
            key = (node.op, node.kind, operands)
            if key not in known:
                known[key] = f"x{len(known) + 1}"
                written.append(f"{known[key]} = {_formula(node, operands)}")
            variable[node.number] = known[key]
    return written + [f"{name} = {variable[node.number]}" for name, node in results.items()]


def literal(node: Expression) -> str:
    """A plain number in the kernel's types."""
    if node.kind != "float":
        return repr(node.value)
    if not math.isfinite(node.value):
        return f"F({'-' if node.value < 0 else ''}math.inf)"
    return f"F({node.value!r})"


def _formula(node: Expression, operands: tuple[str, ...]) -> str:
    if node.op == "fire":
        one, zero = ("F(1)", "F(0)") if node.kind == "float" else ("1", "0")
        return f"{one} if {operands[0]} > 0 else {zero}"
    return TEMPLATES[node.op].format(*operands)
