"""Factors and offsets around a synapse, such as a normalisation's, taken into its weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bidl_sim.netx.step.graph import Node, StepGraph, Tensor

COMPUTED: Mapping[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "neg": np.negative,
    "min": np.minimum,
    "max": np.maximum,
    "sqrt": np.sqrt,
    "exp": np.exp,
}
"""Operations that are done once and for all where they are done to constants."""


def folded(graph: StepGraph) -> StepGraph:
    """The same timestep with fewer operations.

    What is computed from constants becomes one. What follows a dense layer or a convolution, and
    nothing else hears, becomes part of it: a product with, a sum with or a difference of one
    constant for each channel. Of a normalised potential, ``(v + a) gain + offset``, the part of the
    synapse is folded, and what stays is a gain on the state: ``gain v + a'``. Numbers then are
    rounded in another order.
    """
    return _Folding(graph).result()


class _Folding:
    """Nodes so far, and which of them made a tensor."""

    def __init__(self, graph: StepGraph) -> None:
        self.graph = graph
        self.nodes: list[Node] = []
        self.makers: dict[Tensor, int] = {}
        self.computed: dict[Tensor, Tensor] = {}
        self.kept = {*graph.outputs.values(), *graph.saved().values()}
        self.readers = Counter(x for node in graph.nodes for x in node.inputs)
        self.readers.update(graph.outputs.values())

    def result(self) -> StepGraph:
        """The graph with what is left of its nodes."""
        for node in self.graph.nodes:
            if any(x in self.computed for x in node.inputs):
                node = replace(node, inputs=tuple(self.computed.get(x, x) for x in node.inputs))
            if not self._is_computed(node) and not self._is_taken_in(node):
                self._add(node)
        return replace(self.graph, nodes=tuple(self.nodes))

    def _add(self, node: Node) -> None:
        if node.output is not None:
            self.makers[node.output] = len(self.nodes)
        self.nodes.append(node)

    def _is_computed(self, node: Node) -> bool:
        """Do an operation on constants here."""
        values, output = [x.value for x in node.inputs], node.output
        if node.op not in COMPUTED or output is None or output in self.kept:
            return False
        if any(value is None for value in values):
            return False
        value = np.asarray(COMPUTED[node.op](*values))
        self.computed[output] = Tensor(output.name, value.shape, output.kind, value)
        return True

    def _is_taken_in(self, node: Node) -> bool:
        """Make a factor or an offset part of what it is applied to."""
        if node.op not in ("+", "-", "*") or node.output is None:
            return False
        x = node.inputs[0]
        return self._into_synapse(x, node, node.output) or self._into_sum(x, node, node.output)

    def _into_synapse(self, x: Tensor, after: Node, output: Tensor) -> bool:
        """Both as one operation, which gives ``output``."""
        place = self._only_read_here(x)
        merged = None if place is None else _merged(self.nodes[place], after)
        if place is None or merged is None:
            return False
        self.nodes[place] = replace(merged, output=output)
        self.makers[output] = place
        return True

    def _into_sum(self, x: Tensor, after: Node, output: Tensor) -> bool:
        """What is applied to a sum with a synapse, to each of its parts."""
        place = self._only_read_here(x)
        if place is None or self.nodes[place].op != "+":
            return False
        added = self.nodes[place]
        part = next((p for p in added.inputs if self._into_synapse(p, after, p)), None)
        if part is None:
            return False
        if after.op == "*":
            gain, other = after.inputs[1], added.inputs[added.inputs[0] is part]
            scaled = Tensor(x.name, np.broadcast_shapes(other.shape, gain.shape), x.kind)
            self.nodes[place] = replace(after, inputs=(other, gain), output=scaled)
            self._add(replace(added, inputs=(scaled, part), output=output))
        else:
            self.nodes[place] = replace(added, output=output)
            self.makers[output] = place
        return True

    def _only_read_here(self, x: Tensor) -> int | None:
        """Where it was made, if nothing else reads it."""
        return self.makers.get(x) if self.readers[x] == 1 else None


def _merged(synapse: Node, after: Node) -> Node | None:
    """Both as one operation; None where that cannot be."""
    if synapse.op not in ("linear", "conv") or after.op not in ("+", "-", "*"):
        return None
    assert synapse.output is not None
    assert after.output is not None
    weight, constant, shape = synapse.inputs[1], after.inputs[1].value, synapse.output.shape
    per_channel = (shape[0], *[1] * (len(shape) - 1))
    if weight.value is None or constant is None or constant.shape not in ((), per_channel):
        return None
    each = np.broadcast_to(constant.ravel(), shape[:1])
    bias = synapse.inputs[2].value if len(synapse.inputs) > 2 else None
    bias = np.zeros(shape[:1]) if bias is None else bias
    value = weight.value
    if after.op == "*":
        value, bias = value * each.reshape(-1, *[1] * (value.ndim - 1)), bias * each
    else:
        bias = bias + each if after.op == "+" else bias - each
    named = {weight.name: value, f"{synapse.process}.bias": bias}
    constants = [Tensor(name, array.shape, "float", array) for name, array in named.items()]
    return replace(synapse, inputs=(synapse.inputs[0], *constants), output=after.output)
