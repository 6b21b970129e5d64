"""Loops in C++: over all values of a shape, with the operations of one process in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bidl_sim.netx.cpp.layout import Place
from bidl_sim.netx.cpp.memory import Memory
from bidl_sim.netx.cpp.plan import Loop, operands
from bidl_sim.netx.cpp.words import number
from bidl_sim.netx.step.graph import Node, Tensor
from bidl_sim.typing import Shape

INDICES = "ijklmnopqrstuvwxyz"

BY_OPERATOR = ("+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "&", "|", "^")

OPERATIONS: Mapping[str, str] = {
    **{op: f"{{0}} {op} {{1}}" for op in BY_OPERATOR},
    "//": "floor_divide({0}, {1})",
    "%": "modulo({0}, {1})",
    "min": "{0} < {1} ? {0} : {1}",
    "max": "{0} > {1} ? {0} : {1}",
    "neg": "-{0}",
    "not": "!{0}",
    "where": "{0} ? {1} : {2}",
    "exp": "std::exp({0})",
    "arctan": "std::atan({0})",
    "tanh": "std::tanh({0})",
    "erf": "std::erf({0})",
    "sqrt": "std::sqrt({0})",
    "floor": "std::floor({0})",
    "nearest": "std::nearbyint({0})",
    "bool": "{0} != 0",
    "cmp_and_fire": "cmp_and_fire({0}, {1})",
    "reset_with_decay": "reset_with_decay({0}, {1}, {2}, {3}, {4})",
    "expand": "{0}",
}


def nest(
    shape: Shape, order: Sequence[int], places: Sequence[Place]
) -> tuple[list[int], list[str]]:
    """How to visit all values: the sizes of the loops, and each place's element within them.

    Axes that all places cross in one stride become one loop.
    """
    axes: list[tuple[int, tuple[int, ...]]] = []
    for axis in order:
        n, steps = shape[axis], tuple(p.strides[axis] for p in places)
        if n == 1:
            continue
        if axes and axes[-1][1] == tuple(n * s for s in steps):
            n *= axes.pop()[0]
        axes.append((n, steps))
    elements = []
    for k, place in enumerate(places):
        terms = [_term(steps[k], v) for (_, steps), v in zip(axes, INDICES, strict=False)]
        terms = [t for t in terms if t] + ([f"{place.offset}"] if place.offset else [])
        elements.append(f"{place.pointer}[{' + '.join(terms) or 0}]")
    return [n for n, _ in axes], elements


def _term(stride: int, index: str) -> str:
    return "" if not stride else index if stride == 1 else f"{stride} * {index}"


def around(sizes: Sequence[int], body: Sequence[str]) -> list[str]:
    """Loops around some lines."""
    lines, indent = [], ""
    for n, index in zip(sizes, INDICES, strict=False):
        lines.append(f"{indent}for (int {index} = 0; {index} < {n}; ++{index}) {{")
        indent += "  "
    if not sizes:
        lines, indent = ["{"], "  "
    lines += [indent + line for line in body]
    ends = range(len(sizes) or 1)
    return lines + ["  " * k + "}" for k in reversed(ends)]


def copied(shape: Shape, source: Place, target: Place) -> list[str]:
    """Values from one place to another."""
    axes = sorted(range(len(shape)), key=lambda axis: -target.strides[axis])
    sizes, (to, of) = nest(shape, axes, (target, source))
    return around(sizes, [f"{to} = {of};"])


def loop(item: Loop, memory: Memory) -> list[str]:
    """A loop's text: what it takes, what it computes, what it leaves behind."""
    taken = [x for x in item.taken if literal(x, memory) is None]
    left = [x for x in item.made if memory.has_place(x)]
    axes = len(item.shape)
    places = [_broadcast(memory.place(x), x.shape, axes) for x in (*taken, *left)]
    sizes, elements = nest(item.shape, memory.order(item.made[0]), places)
    types, names = memory.types, memory.names
    lines = [
        f"const {types[x.kind]} {names[x.name]} = {element};"
        for x, element in zip(taken, elements, strict=False)
    ]
    for node in item.nodes:
        assert node.output is not None
        x = node.output
        lines.append(f"const {types[x.kind]} {names[x.name]} = {_formula(node, memory)};")
    stored = zip(left, elements[len(taken) :], strict=True)
    lines += [f"{element} = {names[x.name]};" for x, element in stored]
    return around(sizes, lines)


def literal(x: Tensor, memory: Memory) -> str | None:
    """A constant that is one number: its name, or itself where it has none."""
    if x.value is None or x.value.size != 1:
        return None
    if x.name.startswith("="):
        return number(x.value.item(), x.kind, memory.dtype)
    return memory.names[x.name]


def _formula(node: Node, memory: Memory) -> str:
    values = [literal(x, memory) or memory.names[x.name] for x in operands(node)]
    assert node.output is not None
    if node.op in ("float", "int"):
        kind = memory.types[node.op]
        if node.inputs[0].kind == "bool":
            one, zero = (number(v, node.op, memory.dtype) for v in (1, 0))
            return f"{values[0]} ? {one} : {zero}"
        return f"static_cast<{kind}>({values[0]})"
    return OPERATIONS[node.op].format(*values)


def _broadcast(place: Place, shape: Shape, axes: int) -> Place:
    """A place seen with as many axes as a loop, without steps where one value stands for all."""
    missing = axes - len(shape)
    steps = [s if n > 1 else 0 for n, s in zip(shape, place.strides, strict=True)]
    return Place(place.pointer, (0,) * missing + tuple(steps), place.offset)
