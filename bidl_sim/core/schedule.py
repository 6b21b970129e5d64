"""The order of execution, computed from the graph.

*Timestep-major* (external iteration): all processes do step t before any does step t + 1.
*Process-major* (internal iteration): one process does all its steps before the next begins;
processes in a loop run timestep-major among themselves. Both give the same numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import networkx as nx

from bidl_sim.core.flatten import Edge
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError, ScheduleError

if TYPE_CHECKING:
    from bidl_sim.core.circuit import Circuit

SCHEDULES = ("timestep", "process")


@dataclass(frozen=True)
class Stage:
    """Processes that run together; ``stepwise`` ones in this order within every step."""

    paths: tuple[str, ...]
    stepwise: bool


def schedule(circuit: Circuit, kind: str, training: bool = False) -> tuple[Stage, ...]:
    """Stages in order of execution.

    In training, a process that normalises over the whole sequence needs all timesteps at once. It
    divides a timestep-major schedule into what runs before and what runs after it.
    """
    if kind not in SCHEDULES:
        raise ParameterError("schedule", f"must be one of {SCHEDULES}, got {kind!r}")
    loops = _loops(circuit)
    whole = {p for p in loops.order if training and loops.processes[p].needs_whole_sequence}
    for group in loops.groups:
        if loops.is_loop(group) and whole.intersection(group):
            barrier = next(path for path in group if path in whole)
            raise ScheduleError(
                circuit.processes[barrier].where,
                f"normalises over the whole sequence inside the loop {_chain(group)}",
                "use statistics='step'",
            )
    if kind == "process":
        return tuple(Stage(group, loops.is_loop(group)) for group in loops.groups)
    stages = []
    rank = loops.ranks(whole)
    for level in range(max(rank.values()) + 1):
        stepwise = [p for p in loops.order if rank[p] == level and p not in whole]
        if stepwise:
            stages.append(Stage(tuple(stepwise), stepwise=True))
        stages += [
            Stage((p,), stepwise=False) for p in loops.order if rank[p] == level and p in whole
        ]
    return tuple(stages)


def check_causal(processes: Mapping[str, Process], edges: Sequence[Edge]) -> None:
    """`ScheduleError` if some values would depend on themselves within one step."""
    try:
        loop = nx.find_cycle(_within_step(processes, edges))
    except nx.NetworkXNoCycle:
        return
    names = [source for source, _ in loop]
    raise ScheduleError(
        processes[names[0]].where,
        f"is part of a loop without delay: {_chain(names)}",
        "give one connection of the loop delay=1, for example "
        f"the one from {names[-1]!r} to {names[0]!r}",
    )


def needed_only_at_the_end(
    circuit: Circuit, recorded: Collection[str], training: bool = False
) -> frozenset[str]:
    """OutPorts after a temporal aggregation of which nobody looks at intermediate values.

    What follows such a port can be computed once, after the last step.
    """
    readers: dict[str, list[Edge]] = {}
    for edge in circuit.edges:
        readers.setdefault(f"{edge.source}.{edge.source_port}", []).append(edge)

    ports = (f"{p}.{out}" for p, process in circuit.processes.items() for out in process.out_specs)
    waiting = {port for port in ports if not circuit.signals[port].timed} - set(recorded)

    def can_wait(edge: Edge) -> bool:
        reader = circuit.processes[edge.target]
        return (
            edge.delay == 0
            and reader.folds_time(training)
            and f"{edge.target}.{edge.target_port}" not in recorded
            and all(f"{edge.target}.{out}" in waiting for out in reader.out_specs)
        )

    while early := {port for port in waiting if not all(map(can_wait, readers.get(port, ())))}:
        waiting -= early
    return frozenset(waiting)


@dataclass(frozen=True)
class _Loops:
    """Strongly connected groups of processes, in an order they can be executed in."""

    processes: Mapping[str, Process]
    order: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    graph: nx.DiGraph

    def is_loop(self, group: tuple[str, ...]) -> bool:
        return len(group) > 1 or self.graph.has_edge(group[0], group[0])

    def ranks(self, barriers: Collection[str]) -> dict[str, int]:
        """How many times a barrier begins or ends before each process."""
        rank: dict[str, int] = {}
        for group in self.groups:
            before = {p for path in group for p in self.graph.predecessors(path)} - set(group)
            rank.update(
                dict.fromkeys(
                    group,
                    max(
                        (rank[p] + (p in barriers or group[0] in barriers) for p in before),
                        default=0,
                    ),
                )
            )
        return rank


def _loops(circuit: Circuit) -> _Loops:
    order = tuple(
        nx.lexicographical_topological_sort(
            _within_step(circuit.processes, circuit.edges), key=list(circuit.processes).index
        )
    )
    place = {path: k for k, path in enumerate(order)}
    graph = nx.DiGraph()
    graph.add_nodes_from(order)
    graph.add_edges_from((e.source, e.target) for e in circuit.edges)
    for reader, target in _references(circuit.processes):
        graph.add_edges_from([(reader, target), (target, reader)])
    condensed = nx.condensation(graph)
    members = {
        node: sorted(condensed.nodes[node]["members"], key=place.__getitem__) for node in condensed
    }
    first = {node: place[paths[0]] for node, paths in members.items()}
    groups = (tuple(members[n]) for n in nx.lexicographical_topological_sort(condensed, first.get))
    return _Loops(circuit.processes, order, tuple(groups), graph)


def _within_step(processes: Mapping[str, Process], edges: Sequence[Edge]) -> nx.DiGraph:
    """What must be done before what inside one step: undelayed edges, and references."""
    graph = nx.DiGraph()
    graph.add_nodes_from(processes)
    graph.add_edges_from((e.source, e.target) for e in edges if e.delay == 0)
    graph.add_edges_from((target, reader) for reader, target in _references(processes))
    return graph


def _references(processes: Mapping[str, Process]) -> list[tuple[str, str]]:
    paths = {id(process): path for path, process in processes.items()}
    return [
        (path, paths[id(ref.target[0])])
        for path, process in processes.items()
        for ref in process.ref_ports.values()
        if ref.target is not None
    ]


def _chain(names: Sequence[str]) -> str:
    return " -> ".join([*names, names[0]])
