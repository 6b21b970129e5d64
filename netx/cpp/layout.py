"""Where values stand in memory: images with their channels side by side, all else in C order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bidl_sim.netx.cpp.plan import BY_VALUE, operands
from bidl_sim.netx.step.graph import Node, StepGraph, Tensor
from bidl_sim.typing import Shape

SENT_AS_IMAGES = ("conv", "conv_transpose", "avg_pool", "max_pool")

IMAGE = (1, 2, 0)
"""The axes of an image, the slowest first."""


@dataclass(frozen=True)
class Place:
    """Where a tensor's values are.

    Attributes
    ----------
    pointer
        To the array, as C++ says it.
    strides
        For each axis, how far apart neighbours are.
    offset
        Of the first value.
    """

    pointer: str
    strides: tuple[int, ...]
    offset: int = 0

    def moved(self, axis: int, by: int) -> Place:
        """The part that begins later along an axis."""
        return replace(self, offset=self.offset + by * self.strides[axis])

    @property
    def first(self) -> str:
        """A pointer to the first value."""
        return f"{self.pointer} + {self.offset}" if self.offset else self.pointer


def strides(shape: Shape, order: Sequence[int] = ()) -> tuple[int, ...]:
    """How far apart neighbours are where axes stand in an order, the slowest first."""
    found, size = [0] * len(shape), 1
    for axis in reversed(order or range(len(shape))):
        found[axis], size = size, size * shape[axis]
    return tuple(found)


def in_order(shape: Shape, place: Place) -> bool:
    """Whether values stand in C order without gaps."""
    wanted = strides(shape)
    return all(n == 1 or a == b for n, a, b in zip(shape, place.strides, wanted, strict=True))


def reshaped(old: Shape, place: Place, new: Shape) -> Place | None:
    """The same values under other axes; None where they must be copied."""
    if in_order(old, place):
        return replace(place, strides=strides(new))
    kept = [s for n, s in zip(old, place.strides, strict=True) if n > 1]
    if [n for n in old if n > 1] != [n for n in new if n > 1]:
        return None
    return replace(place, strides=tuple(kept.pop(0) if n > 1 else 0 for n in new))


def images(graph: StepGraph) -> set[Tensor]:
    """Tensors that stand channels last: what windows send, and all that is computed with it value
    by value. Inputs stand as they come.
    """
    fixed = set(graph.inputs.values())
    loaded = {n.attributes["flag"]: n.output for n in graph.nodes if n.op == "load"}
    beside: dict[Tensor, list[Tensor]] = {}
    waiting = []
    for node in graph.nodes:
        if node.op in SENT_AS_IMAGES:
            assert node.output is not None
            waiting.append(node.output)
        alike = [x for x in _alike(node, loaded) if x not in fixed]
        for x in alike:
            beside.setdefault(x, []).extend(alike)
    found: set[Tensor] = set()
    while waiting:
        x = waiting.pop()
        if x not in found:
            found.add(x)
            waiting.extend(beside.get(x, ()))
    return found


def _alike(node: Node, loaded: dict[str, Tensor | None]) -> list[Tensor]:
    """Tensors of an operation that should stand in the same way."""
    if node.op == "save":
        both = [node.inputs[0], loaded[node.attributes["flag"]]]
    elif node.op in BY_VALUE:
        both = [*operands(node), node.output]
    elif node.op in ("avg_pool", "max_pool"):
        both = [node.inputs[0], node.output]
        return [x for x in both if x is not None]
    else:
        return []
    shape = both[-1].shape if both[-1] is not None else ()
    return [x for x in both if x is not None and x.shape == shape and len(shape) == 3]


def size(shape: Shape) -> int:
    """How many values."""
    return math.prod(shape)
