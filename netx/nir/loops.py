"""Which edges of a graph carry the value of the step before."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import networkx as nx
import numpy as np

from bidl_sim.netx.nir.file import Graph, Member, Node

Edge = tuple[str, str]


def leaves(graph: Graph, prefix: str = "") -> dict[str, Node]:
    """All nodes that are no graphs, by path."""
    found: dict[str, Node] = {}
    for name, member in graph.nodes.items():
        if isinstance(member, Graph):
            found |= leaves(member, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = member
    return found


def leaf_edge(graph: Graph, edge: Edge, prefix: str = "") -> Edge:
    """The edge between the nodes that are no graphs: a graph's ports are its Input and Output."""
    source, target = edge
    return (
        prefix + inner(source, graph.nodes[source], "Output"),
        prefix + inner(target, graph.nodes[target], "Input"),
    )


def inner(name: str, member: Member, kind: str) -> str:
    """Path of the node that an edge from or to ``name`` really leads from or to."""
    while isinstance(member, Graph):
        (port,) = member.of_kind(kind)
        name, member = f"{name}.{port}", member.nodes[port]
    return name


def leaf_edges(graph: Graph, prefix: str = "") -> list[Edge]:
    """All edges, between paths of nodes that are no graphs."""
    edges = [leaf_edge(graph, edge, prefix) for edge in graph.edges]
    for name, member in graph.nodes.items():
        if isinstance(member, Graph):
            edges += leaf_edges(member, f"{prefix}{name}.")
    return edges


def delayed(graph: Graph) -> frozenset[Edge]:
    """The edges on loops that go back, in breadth-first order from the Inputs.

    First those that lead to a smaller depth; if that leaves loops, those that lead to what was
    reached before. The order of edges in the file does not matter.
    """
    net = nx.DiGraph()
    net.add_nodes_from(leaves(graph))
    net.add_edges_from(leaf_edges(graph))
    depth = _depths(net, (name for name in graph.of_kind("Input")))
    place = {name: k for k, name in enumerate(depth)}
    rules: tuple[Callable[[Edge], bool], ...] = (
        lambda edge: depth[edge[0]] > depth[edge[1]],
        lambda edge: place[edge[0]] >= place[edge[1]],
    )
    found: set[Edge] = set()
    for goes_back in rules:
        loops = enumerate(nx.strongly_connected_components(net))
        loop = {name: number for number, names in loops for name in names}
        closing = [e for e in net.edges if loop[e[0]] == loop[e[1]] and goes_back(e)]
        net.remove_edges_from(closing)
        found.update(closing)
    return frozenset(found)


def before_biases(graph: Graph, later: frozenset[Edge]) -> frozenset[Edge]:
    """The edges of `delayed`, but for those from a bias, in whose place is the one to it.

    A bias acts from the first step on then.
    """
    nodes, edges = leaves(graph), leaf_edges(graph)
    found = set(later)
    for edge in later:
        into = [way for way in edges if way[1] == edge[0]]
        out = [way for way in edges if way[0] == edge[0]]
        if np.any(nodes[edge[0]].fields.get("bias", 0) != 0) and len(into) == len(out) == 1:
            found = found - {edge} | {*into}
    return frozenset(found)


def _depths(net: nx.DiGraph, inputs: Iterable[str]) -> dict[str, int]:
    """Steps from the Inputs, in the order of a search; then from what nothing leads to."""
    depth: dict[str, int] = {}
    roots = sorted(n for n in net if net.in_degree(n) == 0)
    for starts in (sorted(inputs), roots, *([n] for n in sorted(net))):
        waiting = deque(n for n in starts if n not in depth)
        depth.update(dict.fromkeys(waiting, 0))
        while waiting:
            name = waiting.popleft()
            for after in sorted(net.successors(name)):
                if after not in depth:
                    depth[after] = depth[name] + 1
                    waiting.append(after)
    return depth
