"""Expressions as lines of Python that a compiler of kernels reads: one assignment an operation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bidl_sim.core.trace.expression import (
    ARITHMETIC,
    BITWISE,
    COMPARISONS,
    Expression,
    in_order,
    operands,
)
from bidl_sim.errors import TraceError


@dataclass(frozen=True)
class Dialect:
    """How one compiler wants operations written.

    Attributes
    ----------
    operations
        Templates by operation, or by operation and kind of its result (``"// int"``) where it
        matters.
    literals
        Templates of plain numbers by kind; a float's is given ``infinity`` where it has no end.
    """

    name: str
    operations: Mapping[str, str]
    literals: Mapping[str, str]
    infinity: str


OPERATORS = {op: f"{{0}} {op} {{1}}" for op in (*ARITHMETIC, *COMPARISONS, *BITWISE)}

NUMBA = Dialect(
    "numba",
    {
        **OPERATORS,
        "min": "{0} if {0} < {1} else {1}",
        "max": "{0} if {0} > {1} else {1}",
        "neg": "-{0}",
        "not": "not {0}",
        "where": "{1} if {0} else {2}",
        "fire": "1 if {0} > 0 else 0",
        "fire float": "F(1) if {0} > 0 else F(0)",
        "float": "F({0})",
        "integer": "np.int64({0})",
        "floor": "math.floor({0})",
        "nearest": "np.rint({0})",
        "exp": "math.exp({0})",
        "arctan": "math.atan({0})",
        "tanh": "math.tanh({0})",
        "erf": "math.erf({0})",
        "sqrt": "math.sqrt({0})",
    },
    {"float": "F({0})", "int": "{0}", "bool": "{0}"},
    "math.inf",
)
"""``F`` is the kernel's float type, so that a plain number does not widen a float32."""

_FLOOR_REST = "({0} % {1} + {1}) % {1}"

TRITON = {
    dtype: Dialect(
        "triton",
        {
            **{op: form for op, form in OPERATORS.items() if op not in ("/", "//", "%")},
            "/": divide,
            "// int": f"({{0}} - {_FLOOR_REST}) // {{1}}",
            "% int": _FLOOR_REST,
            "min": "tl.where({0} < {1}, {0}, {1})",
            "max": "tl.where({0} > {1}, {0}, {1})",
            "neg": "-{0}",
            "not": "~{0}",
            "where": "tl.where({0}, {1}, {2})",
            "fire": "({0} > 0).to(tl.int64)",
            "fire float": "({0} > 0).to(F)",
            "float": "{0}.to(F)",
            "integer": "{0}.to(tl.int64)",
            "floor": "libdevice.floor({0})",
            "nearest": "libdevice.rint({0})",
            "exp": "libdevice.exp({0})",
            "arctan": "libdevice.atan({0})",
            "tanh": "libdevice.tanh({0})",
            "erf": "libdevice.erf({0})",
            "sqrt": root,
        },
        {
            "float": "tl.full((), {0}, F)",
            "int": "tl.full((), {0}, tl.int64)",
            "bool": "tl.full((), {0}, tl.int1)",
        },
        'float("inf")',
    )
    for dtype, divide, root in (
        ("float32", "tl.div_rn({0}, {1})", "tl.sqrt_rn({0})"),
        ("float64", "{0} / {1}", "tl.sqrt({0})"),
    )
}
"""Plain division and root of a float32 are rounded coarsely there, and whole numbers are divided
towards zero; a bare number would be taken for a float32."""


def lines(
    results: Mapping[str, Expression], names: Mapping[str, str], dialect: Dialect = NUMBA
) -> list[str]:
    """Assignments that compute ``results`` into variables of their names.

    ``names`` gives the variable of each input symbol. Equal operations are done once. Raises
    `TraceError` where the dialect has no word for an operation.
    """
    written: list[str] = []
    variable: dict[int, str] = {}
    known: dict[Any, str] = {}
    for node in in_order(results.values(), values_only=True):
        values = tuple(variable[x.number] for x in operands(node))
        if node.op == "input":
            variable[node.number] = names[node.value]
        elif node.op == "const":
            variable[node.number] = _literal(node, dialect)
        elif node.op in ("detach", "straight_through"):
            variable[node.number] = values[0]
        else:
            key = (node.op, node.kind, values)
            if key not in known:
                known[key] = f"x{len(known) + 1}"
                written.append(f"{known[key]} = {_formula(node, values, dialect)}")
            variable[node.number] = known[key]
    return written + [f"{name} = {variable[node.number]}" for name, node in results.items()]


def _literal(node: Expression, dialect: Dialect) -> str:
    """A plain number in the kernel's types."""
    written = repr(node.value)
    if node.kind == "float" and not math.isfinite(node.value):
        written = f"{'-' if node.value < 0 else ''}{dialect.infinity}"
    return dialect.literals[node.kind].format(written)


def _formula(node: Expression, values: tuple[str, ...], dialect: Dialect) -> str:
    template = dialect.operations.get(f"{node.op} {node.kind}", dialect.operations.get(node.op))
    if template is None:
        raise TraceError(node.op, f"cannot be written for {dialect.name} on {node.kind} values")
    return template.format(*values)
