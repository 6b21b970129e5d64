"""From a network to a NIR graph."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.network import Network
from bidl_sim.core.port import InPort, OutPort, Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError
from bidl_sim.netx.nir import layers, neurons
from bidl_sim.netx.nir.file import Graph, Member, Node, arrow, write
from bidl_sim.netx.nir.libraries import target_of
from bidl_sim.netx.nir.loops import Edge, delayed, leaf_edge
from bidl_sim.netx.nir.options import PREFIX, given, metadata
from bidl_sim.netx.nir.reading import from_json
from bidl_sim.processes import Add, BatchNorm, Dropout, Input, Sink

DT = 1e-3
"""The timestep in s of networks that have none; their numbers fit any."""

REMEDIES: Mapping[type[Process], str] = {
    BatchNorm: "fold it into the weights before it",
    Dropout: "leave it out, it does nothing after training",
}


def save(network: Network, path: str | Path, **options: Any) -> None:
    """Write a network to a NIR file, with the options of `to_graph`."""
    write(to_graph(network, **options), path)


def to_graph(network: Network, dt: float | None = None, target: str | None = None) -> Graph:
    """The graph of a network; `FormatError` names what it cannot say.

    Delays become Delay nodes, but for the step that a loop takes in NIR anyway.

    Parameters
    ----------
    network
    dt : s
        The timestep of processes that have none.
    target
        A library, of `TARGETS`, that is to read the file with the same spikes.
    """
    library = None if target is None else target_of(target)
    circuit = network.build()
    default = library.dt if library else DT
    step: float = given({"dt": dt}, "netx.save").get("dt") or _timestep(network, circuit, default)
    plain = _Writer(circuit, step).graph(network, "")
    writer = _Writer(circuit, step, delayed(plain))
    graph = writer.graph(network, "")
    writer.check_delays(graph)
    options: Mapping[str, Mapping[str, Any]] = writer.options
    if library:
        step = step if library.has_dt else library.dt
        graph, options = library.conform(graph, options, step)
    common = _common(options.values(), step)
    if library and library.source:
        common["source"] = library.source
    own = {path: _own(said, common) for path, said in options.items()}
    return _annotated(graph, network.metadata, metadata(common), own)


def _timestep(network: Network, circuit: Circuit, default: float) -> float:
    own = [p for p in circuit.processes.values() if type(p) in neurons.KINDS.values()]
    found = [p.options()["dt"] for p in own if "dt" in p.option_specs]
    return float(found[0] if found else network.metadata.get("nir", {}).get("dt", default))


@dataclass(frozen=True)
class _Link:
    """A connection within one graph."""

    source: str
    target: str
    signal: Signal
    delay: int = 0


@dataclass
class _Writer:
    """Makes graphs of networks; ``later`` are the edges that take a step by themselves."""

    circuit: Circuit
    dt: float
    later: frozenset[Edge] | None = None
    options: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    ways: list[tuple[list[Edge], int]] = field(default_factory=list)

    def graph(self, network: Network, prefix: str) -> Graph:
        """The graph of a network; an inner one gets Input and Output nodes for its ports."""
        nodes: dict[str, Member] = {}
        for name, process in network.processes.items():
            path = f"{prefix}{name}"
            if isinstance(process, Network):
                nodes[name] = self.graph(process, f"{path}.")
            else:
                nodes[name] = self.node(process, path, outermost=not prefix)
        names = {id(process): name for name, process in network.processes.items()}
        links = []
        for name, process in network.processes.items():
            for port in process.in_ports.values():
                for way in port.sources:
                    source = names.get(id(way.source.process))
                    if source is None:
                        raise FormatError(str(port), f"takes from {way.source}, of another network")
                    links.append(_Link(source, name, self.signal(way.source), way.delay))
        links += self.doors(network, names, nodes, outermost=not prefix)
        return self.connected(Graph(network.label, nodes, ()), links, prefix)

    def node(self, process: Process, path: str, outermost: bool) -> Node:
        """The node of a process."""
        neurons.plainly(process)
        where, kind = process.where, type(process)
        port = next(iter((*process.in_specs, *process.out_specs)))
        signal = self.circuit.signals[f"{path}.{port}"]
        if kind in (Input, Sink):
            if not outermost:
                raise FormatError(where, "stands in an inner network", "put it in the outermost")
            if signal.dtype != "float":
                raise FormatError(where, f"carries {signal.dtype} values, NIR knows none")
            return _door("Input" if kind is Input else "Output", signal, where)
        if kind in neurons.WRITERS:
            found = neurons.neurons(process, self.dt)
            self.options[path] = found.options
            fields = {name: layers.full(value, signal) for name, value in found.fields.items()}
            return Node(where, found.kind, fields)
        if kind in layers.WRITERS:
            return Node(where, *layers.fields(process, signal, self.dt))
        raise FormatError(where, "has no place in a NIR file", REMEDIES.get(kind, ""))

    def doors(
        self,
        network: Network,
        names: Mapping[int, str],
        nodes: dict[str, Member],
        outermost: bool,
    ) -> list[_Link]:
        """Put Input and Output nodes where values enter and leave a network.

        An `Add` that is nothing but such a place becomes one.
        """
        links = []
        for name, port in self.open(network, outermost):
            process, signal = port.process, self.signal(port)
            kind = "Input" if isinstance(port, InPort) else "Output"
            taken = port.sources if isinstance(port, InPort) else port.targets
            inside = names[id(process)]
            if isinstance(process, Add) and nodes[inside].kind == "Scale" and not taken:
                nodes[inside] = _door(kind, signal, process.where)
                continue
            door = _free(name, nodes)
            nodes[door] = _door(kind, signal, network.label)
            ends = (door, inside) if kind == "Input" else (inside, door)
            links.append(_Link(*ends, signal))
        return links

    def open(self, network: Network, outermost: bool) -> list[tuple[str, InPort | OutPort]]:
        """Where values enter and leave a network, with a name for it."""
        ins = [(name, port.inner) for name, port in network.in_ports.items() if port.inner]
        outs = [(name, port.inner) for name, port in network.out_ports.items() if port.inner]
        if not outermost:
            return [*ins, *outs]
        ends = [port for _, port in outs]
        named = {path.rpartition(".")[0] for path in self.circuit.outputs.values()}
        if not ends and not any(self.circuit.processes[path].is_sink for path in named):
            sent = [p for process in network.processes.values() for p in process.out_ports.values()]
            ends = [port for port in sent if not port.targets]
            if len(ends) != len(named):
                raise FormatError(network.label, "something leaves it from within", "expose it")
        return [("output" if len(ends) == 1 else f"output_{p.process.name}", p) for p in ends]

    def connected(self, graph: Graph, links: list[_Link], prefix: str) -> Graph:
        """The graph with its edges, and a Delay node on those that take longer than they would."""
        nodes, edges = dict(graph.nodes), dict[Edge, None]()
        for link in links:
            edge = (link.source, link.target)
            where = f"{graph.where}: {arrow(edge)}"
            for name, kind in zip(edge, ("Output", "Input"), strict=True):
                member = nodes[name]
                if isinstance(member, Graph) and len(member.of_kind(kind)) != 1:
                    raise FormatError(where, f"{name!r} has several ports; an edge says not which")
            if edge in edges:
                raise FormatError(where, "are connected twice")
            leaf = leaf_edge(graph, edge, prefix)
            wait = 0 if self.later is None else link.delay - (leaf in self.later)
            if wait <= 0:
                edges[edge] = None
                self.ways.append(([leaf], link.delay))
                continue
            name = _free(f"{link.source}_{link.target}_delay", nodes)
            seconds = np.full(link.signal.shape, wait * self.dt)
            nodes[name] = Node(graph.where, "Delay", {"delay": seconds})
            edges |= {(link.source, name): None, (name, link.target): None}
            path = f"{prefix}{name}"
            self.ways.append(([(leaf[0], path), (path, leaf[1])], link.delay - wait))
        return replace(graph, nodes=nodes, edges=tuple(edges))

    def check_delays(self, graph: Graph) -> None:
        """Refuse a graph whose loops would take their step elsewhere than the network's do."""
        later = delayed(graph)
        for edges, delay in self.ways:
            found = sum(edge in later for edge in edges)
            if found != delay:
                raise FormatError(
                    f"{graph.where}: {arrow((edges[0][0], edges[-1][1]))}",
                    f"takes {delay} step(s) of a loop, where NIR takes {found}",
                    "in NIR a loop takes its step where it leads back, behind the recurrent weight",
                )

    def signal(self, port: InPort | OutPort) -> Signal:
        """What travels through a port, of a network too."""
        leaf = port.leaf
        path = next(p for p, process in self.circuit.processes.items() if process is leaf.process)
        return self.circuit.signals[f"{path}.{leaf.name}"]


def _door(kind: str, signal: Signal, where: str) -> Node:
    return Node(where, kind, {"shape": np.array(signal.shape, np.int64)})


def _free(name: str, nodes: Mapping[str, Member]) -> str:
    """The name, or one that is free."""
    number, found = 1, name
    while found in nodes:
        number, found = number + 1, f"{name}_{number}"
    return found


# -- metadata ------------------------------------------------------------------------------------


def _common(options: Iterable[Mapping[str, Any]], dt: float) -> dict[str, Any]:
    """What counts for the whole graph: the first that a node says; v_min if all say the same."""
    common: dict[str, Any] = {"dt": dt}
    bounds = [said["v_min"] for said in options if "v_min" in said]
    for said in options:
        common = {**said, **common}
    common["v_min"] = bounds[0] if len(set(bounds)) == 1 else None
    return common


def _own(options: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """What counts for a node and not for the graph."""
    return metadata({name: value for name, value in options.items() if value != common[name]})


def _annotated(
    graph: Graph,
    beside: Mapping[str, Any],
    common: Mapping[str, Any],
    own: Mapping[str, Mapping[str, Any]],
) -> Graph:
    """The graph with options as metadata, and with what is kept beside the network."""
    kept = dict(beside)
    foreign = kept.pop("nir", {})
    said = {**from_json_members(foreign.get("metadata", {})), **common}
    if kept:
        try:
            said[f"{PREFIX}metadata"] = json.dumps(kept, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise FormatError(
                "netx.save, metadata", f"must be what JSON can say: {error}"
            ) from None
    by_node = {path: from_json_members(m) for path, m in foreign.get("nodes", {}).items()}
    for path, options in own.items():
        by_node[path] = {**by_node.get(path, {}), **options}
    return replace(_with_metadata(graph, by_node, ""), metadata=said)


def _with_metadata(graph: Graph, by_node: Mapping[str, Mapping[str, Any]], prefix: str) -> Graph:
    nodes: dict[str, Member] = {}
    for name, member in graph.nodes.items():
        path = f"{prefix}{name}"
        inside = (
            _with_metadata(member, by_node, f"{path}.") if isinstance(member, Graph) else member
        )
        nodes[name] = replace(inside, metadata=by_node.get(path, {}))
    return replace(graph, nodes=nodes)


def from_json_members(said: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata of others, as arrays and texts."""
    return {key: from_json(value) for key, value in said.items()}
