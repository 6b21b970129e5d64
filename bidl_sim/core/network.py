"""The network: named processes and connections, plain data until an engine runs it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import networkx as nx

from bidl_sim.core.circuit import Circuit, build
from bidl_sim.core.fields import as_int
from bidl_sim.core.flatten import flatten
from bidl_sim.core.port import Connection, InPort, OutPort, Port
from bidl_sim.core.process import Process
from bidl_sim.errors import GraphError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

P = TypeVar("P", bound=Process)
Kind = TypeVar("Kind", bound=Port)

MAX_DEPTH = 32
"""Networks nest at most this deep."""


class Network(Process, abstract=True):
    """A graph of processes, itself a process that can be part of a larger network.

    Parameters
    ----------
    name
        Name within the enclosing network.
    seed
        Fixes the first values of all parameters that are not given, each from a stream of its own.

    Attributes
    ----------
    metadata : dict
        Anything JSON can say, kept beside the network in files.

    Examples
    --------
    >>> from bidl_sim.processes import LIF, Dense, Input
    >>> net = Network.sequential(Input((2,)), Dense(2, 3), LIF())
    >>> list(net.processes)
    ['input1', 'dense1', 'lif1']
    """

    holds_processes = True

    def __init__(self, *, name: str | None = None, seed: int = 0) -> None:
        self.name, self.learn, self.initial = name, None, None
        self.seed = as_int("Network, seed", seed, 0)
        self.metadata: dict[str, Any] = {}
        self._processes: dict[str, Process] = {}

    @classmethod
    def sequential(cls, *processes: Process, name: str | None = None, seed: int = 0) -> Network:
        """A chain: the OutPort of each process feeds the InPort of the next.

        The ends are exposed, so that the chain can itself stand in another network.
        """
        net = cls(name=name, seed=seed)
        if not processes:
            raise GraphError("Network.sequential", "needs at least one process")
        for process in processes:
            net.add(process)
        for source, target in pairwise(processes):
            net.connect(source, target)
        for port in list(processes[0].in_ports.values())[:1]:
            net.expose(port)
        for out in list(processes[-1].out_ports.values())[:1]:
            net.expose(out)
        return net

    @classmethod
    def of(cls, *processes: Process, name: str | None = None, seed: int = 0) -> Network:
        """A network of these processes and everything they are connected to."""
        net = cls(name=name, seed=seed)
        waiting = list(processes)
        while waiting:
            process = waiting.pop(0)
            if net.holds(process):
                continue
            net.add(process)
            for port in process.ports.values():
                if isinstance(port, InPort):
                    waiting += [c.source.process for c in port.sources]
                elif isinstance(port, OutPort):
                    waiting += [c.target.process for c in port.targets]
        return net

    @property
    def processes(self) -> Mapping[str, Process]:
        """Processes by name, in the order they were added; nested networks stand as one."""
        return dict(self._processes)

    @property
    def graph(self) -> nx.MultiDiGraph:
        """The flattened graph: nodes are process paths, edges carry ports and delay."""
        processes, edges = flatten(self)
        graph = nx.MultiDiGraph()
        for path, process in processes.items():
            graph.add_node(path, process=process)
        for e in edges:
            graph.add_edge(
                e.source,
                e.target,
                source_port=e.source_port,
                target_port=e.target_port,
                delay=e.delay,
            )
        return graph

    def holds(self, process: Process) -> bool:
        """Whether the process was added to this network itself."""
        return any(p is process for p in self._processes.values())

    def add(self, process: P, name: str | None = None) -> P:
        """Add a process, under ``name``, its own name, or its type and a number."""
        if not isinstance(process, Process):
            raise ParameterError(f"{self.label}.add", f"must be a process, got {process!r}")
        if self.holds(process):
            raise GraphError(f"{self.label}.add", f"{process.label} is in this network already")
        if process is self:
            raise GraphError(f"{self.label}.add", "a network cannot hold itself")
        name = name or process.name or self._numbered(process)
        if name in self._processes:
            raise GraphError(
                f"{self.label}.add",
                f"the name {name!r} is taken by {self._processes[name].where}",
                "give one of the two another name",
            )
        process.name = name
        self._processes[name] = process
        return process

    def connect(
        self, source: OutPort | Process, target: InPort | Process, delay: int = 0
    ) -> Connection:
        """Send what leaves ``source`` to ``target``, ``delay`` timesteps later.

        A process may be given where it has exactly one port of the kind, or in a chain its first.
        """
        out = source if isinstance(source, OutPort) else _first(self, source, OutPort)
        into = target if isinstance(target, InPort) else _first(self, target, InPort)
        return out.connect(into, delay)

    def expose(self, port: Port, name: str | None = None) -> Port:
        """Make a port of a process inside a port of this network."""
        name = name or port.name
        if name in self.ports:
            raise GraphError(
                f"{self.label}.expose",
                f"there is a port {name!r} already ({self.ports[name]})",
                "pass another name=",
            )
        outer: Port
        if isinstance(port, InPort):
            outer = InPort(self, name, port.dtype, inner=port)
        elif isinstance(port, OutPort):
            outer = OutPort(self, name, port.dtype, inner=port)
        else:
            raise ParameterError(f"{self.label}.expose", f"must be a port, got {port!r}")
        if not self.holds(port.process):
            raise GraphError(f"{self.label}.expose", f"{port.process.label} is not in this network")
        self.ports[name] = outer
        return outer

    def walk(
        self, prefix: str = "", above: tuple[Network, ...] = ()
    ) -> Iterator[tuple[str, Process]]:
        """Every process with its path, networks before what they hold."""
        if any(self is network for network in above):
            raise GraphError(self.label, f"the network at {prefix!r} holds itself")
        if len(above) >= MAX_DEPTH:
            raise GraphError(self.label, f"networks nest deeper than {MAX_DEPTH} at {prefix!r}")
        for name, process in self._processes.items():
            yield f"{prefix}{name}", process
            if isinstance(process, Network):
                yield from process.walk(f"{prefix}{name}.", (*above, self))

    def build(self) -> Circuit:
        """Check the whole network and give first values to its parameters."""
        return build(self)

    def _numbered(self, process: Process) -> str:
        kind = type(process).__name__.lower()
        number = 1
        while f"{kind}{number}" in self._processes:
            number += 1
        return f"{kind}{number}"

    def __repr__(self) -> str:
        return f"{self.label}({len(self._processes)} processes)"


def _first(net: Network, process: Process, kind: type[Kind]) -> Kind:
    if not isinstance(process, Process):
        raise ParameterError(
            f"{net.label}.connect", f"must be a port or a process, got {process!r}"
        )
    for port in process.ports.values():
        if isinstance(port, kind):
            return port
    raise GraphError(f"{net.label}.connect", f"{process.label} has no {kind.__name__}")
