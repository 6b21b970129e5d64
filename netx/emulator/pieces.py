"""A step graph cut into pieces, one after another, for a chip each."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from bidl_sim.errors import FormatError
from bidl_sim.netx.step.graph import Node, StepGraph


def cut(graph: StepGraph, *after: str) -> tuple[StepGraph, ...]:
    """Pieces of a network that end with the processes named, and the rest.

    What travels from piece to piece is an output of one and an input of the next, by the name of
    its tensor; an input of the network is one of every piece that needs it.

    Raises `FormatError` where a process does no operation, out of order, or where a loop would be
    cut.
    """
    nodes = list(graph.nodes)
    processes = [node.process for node in nodes]
    bounds = [0]
    for path in after:
        if path not in processes:
            raise FormatError(path, "does no operation, a network cannot be cut behind it")
        bounds.append(len(processes) - processes[::-1].index(path))
    bounds.append(len(nodes))
    if bounds != sorted(set(bounds)):
        order = ", ".join(dict.fromkeys(processes))
        raise FormatError("pieces", f"must end in the order of execution, each with more: {order}")
    parts = [nodes[a:b] for a, b in pairwise(bounds)]
    return tuple(_piece(graph, parts, k) for k in range(len(parts)))


def _piece(graph: StepGraph, parts: list[list[Node]], k: int) -> StepGraph:
    own = parts[k]
    used = [x for node in own for x in node.inputs]
    made, earlier, later = (
        {node.output for part in some for node in part if node.output is not None}
        for some in ([own], parts[:k], parts[k + 1 :])
    )
    flags = [node.attributes["flag"] for node in own if "flag" in node.attributes]
    for flag in flags:
        if flags.count(flag) != 2:
            raise FormatError(flag, "belongs to a loop, which cannot be cut into pieces")
    received = {n: x for n, x in graph.inputs.items() if x in used}
    received |= {x.name: x for x in used if x in earlier}
    passed_on = set() if k else set(graph.outputs.values()) - made - earlier - later
    sent = {n: x for n, x in graph.outputs.items() if x in made | passed_on}
    received |= {n: x for n, x in graph.inputs.items() if x in passed_on}
    wanted = [x for part in parts[k + 1 :] for node in part for x in node.inputs]
    sent |= {x.name: x for x in wanted if x in made}
    states = tuple(s for s in graph.states if s.flag in flags)
    return replace(graph, inputs=received, outputs=sent, states=states, nodes=tuple(own))
