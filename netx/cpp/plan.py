"""The order of execution: operations value by value side by side in one loop, others one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from bidl_sim.netx.step.graph import BUILT_IN, ELEMENTWISE, Node, StepGraph, Tensor
from bidl_sim.typing import Shape

BY_VALUE = {*ELEMENTWISE, *BUILT_IN, "expand"}
"""What a loop can do; to expand is to read one value again and again."""


@dataclass(eq=False)
class Loop:
    """Operations of one process on every value of a shape."""

    process: str
    shape: Shape
    nodes: list[Node] = field(default_factory=list)

    @property
    def made(self) -> list[Tensor]:
        """What the operations give."""
        return [node.output for node in self.nodes if node.output is not None]

    @property
    def taken(self) -> list[Tensor]:
        """What they take from elsewhere, each once, in the order of use."""
        own = set(self.made)
        return list(dict.fromkeys(x for n in self.nodes for x in operands(n) if x not in own))


Item: TypeAlias = Loop | Node


def operands(node: Node) -> tuple[Tensor, ...]:
    """What an operation reads; of an expansion's second operand only the batch matters."""
    return node.inputs[:1] if node.op == "expand" else node.inputs


def plan(graph: StepGraph) -> list[Item]:
    """Loops and single operations in an order of execution, without loads, saves and what nobody
    reads.

    An operation joins the earliest loop of its process over the same shape that comes no earlier
    than what it takes.
    """
    items: list[Item] = []
    place: dict[Tensor, int] = {}
    read = _read(graph)
    for node in graph.nodes:
        if node.op == "load" or node.output not in read:
            continue
        assert node.output is not None
        first = max((place.get(x, 0) for x in operands(node)), default=0)
        found = _loop(items, first, node) if node.op in BY_VALUE else None
        if found is None:
            found = len(items)
            single = node.op not in BY_VALUE
            items.append(node if single else Loop(node.process, node.output.shape))
        item = items[found]
        if isinstance(item, Loop):
            item.nodes.append(node)
        place[node.output] = found
    return items


def _read(graph: StepGraph) -> set[Tensor]:
    """What is an output, or leads to one or to a state."""
    read = set(graph.outputs.values())
    for node in reversed(graph.nodes):
        if node.op == "save" or node.output in read:
            read.update(operands(node))
    return read


def _loop(items: list[Item], first: int, node: Node) -> int | None:
    """The place of a loop that an operation can join."""
    assert node.output is not None
    own = (node.process, node.output.shape)
    for k, item in enumerate(items[first:], first):
        if isinstance(item, Loop) and (item.process, item.shape) == own:
            return k
    return None
