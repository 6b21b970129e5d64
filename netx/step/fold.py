"""Factors and offsets behind a synapse, such as a normalisation's, taken into its weights."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from bidl_sim.netx.step.graph import Node, StepGraph, Tensor


def folded(graph: StepGraph) -> StepGraph:
    """The same timestep with fewer operations.

    What follows a dense layer or a convolution, and nothing else hears, becomes part of it: a
    product with, a sum with or a difference of one constant for each channel. Numbers then are
    rounded in another order.
    """
    readers = Counter(x for node in graph.nodes for x in node.inputs)
    readers.update(graph.outputs.values())
    nodes: list[Node] = []
    makers: dict[Tensor, int] = {}
    for node in graph.nodes:
        x = node.inputs[0] if node.inputs else None
        place = makers.get(x) if x is not None and readers[x] == 1 else None
        merged = None if place is None else _merged(nodes[place], node)
        if place is None or merged is None:
            place = len(nodes)
            nodes.append(node)
        else:
            nodes[place] = merged
        if node.output is not None:
            makers[node.output] = place
    return replace(graph, nodes=tuple(nodes))


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
