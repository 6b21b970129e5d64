"""From nested networks to one flat list of processes and edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bidl_sim.core.port import Connection, Port
from bidl_sim.core.process import Process
from bidl_sim.errors import GraphError

if TYPE_CHECKING:
    from bidl_sim.core.network import Network


@dataclass(frozen=True)
class Edge:
    """A connection between two processes that are no networks, by path."""

    source: str
    source_port: str
    target: str
    target_port: str
    delay: int


def flatten(network: Network) -> tuple[dict[str, Process], list[Edge]]:
    """Processes by path (``block1.lif1``), networks replaced by what they hold, and the edges.

    Raises `GraphError` if a process stands in two places, if a network holds itself, or if a
    connection or reference leads to a process that was not added.
    """
    leaves: dict[str, Process] = {}
    places: dict[int, str] = {}
    inside: list[Process] = []
    for path, process in network.walk():
        if id(process) in places:
            first = places[id(process)]
            raise GraphError(process.where, f"stands in two places: {first!r} and {path!r}")
        places[id(process)] = path
        inside.append(process)
        if not process.holds_processes:
            leaves[path] = process

    def place(process: Process, port: Port) -> str:
        if id(process) in places:
            return places[id(process)]
        raise GraphError(
            str(port),
            f"it is connected with {process.where}, which is not in the network",
            "add it with net.add, or use Network.of to take everything connected",
        )

    def edge(connection: Connection) -> Edge:
        source, target = connection.source.leaf, connection.target.leaf
        return Edge(
            place(source.process, connection.target),
            source.name,
            place(target.process, connection.source),
            target.name,
            connection.delay,
        )

    edges = [edge(c) for p in inside for port in p.in_ports.values() for c in port.sources]
    for process in inside:
        for out in process.out_ports.values():
            for connection in out.targets:
                place(connection.target.process, out)
        for ref in process.ref_ports.values():
            if ref.target is None:
                raise GraphError(str(ref), "is not connected", "call its connect(process, name)")
            place(ref.target[0], ref)
    return leaves, edges
