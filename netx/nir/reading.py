"""From a NIR graph to a network."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bidl_sim.core.network import Network
from bidl_sim.core.port import InPort, OutPort
from bidl_sim.core.process import Process
from bidl_sim.errors import BidlError, FormatError, ParameterError
from bidl_sim.netx.native import MAX_VALUES
from bidl_sim.netx.nir.file import Graph, Node, arrow, named, read
from bidl_sim.netx.nir.layers import layer
from bidl_sim.netx.nir.loops import Edge, before_biases, delayed, leaf_edge, leaves
from bidl_sim.netx.nir.neurons import KINDS, population
from bidl_sim.netx.nir.options import PREFIX, Options, given, resolve
from bidl_sim.processes import Add, Input, Sink
from bidl_sim.typing import Shape


def load(path: str | Path, **options: Any) -> Network:
    """Read a network from a NIR file, with `Options` by name.

    Raises `FormatError`, which names the field, for anything that is damaged, foreign or unsafe.
    """
    return to_network(read(path), **options)


def to_network(graph: Graph, **options: Any) -> Network:
    """The network of a graph: each node under its name, graphs in it as networks.

    An edge that closes a loop carries what was sent in the step before, see `loops.delayed`.
    """
    chosen = given(options)
    whole = resolve(graph.where, chosen, graph.metadata)
    dt = whole.step
    _check(graph)
    nodes, later = leaves(graph), delayed(graph)
    if whole.library.biases_at_once:
        later = before_biases(graph, later)
    try:
        network = _Builder(chosen, later).network(graph, "", ())
        circuit = network.build()
    except (FormatError, ParameterError) as error:
        if isinstance(error, FormatError) or error.where.startswith("netx.load"):
            raise
        raise FormatError(graph.where, str(error)) from None
    except BidlError as error:
        raise FormatError(graph.where, str(error)) from None
    for port, signal in circuit.signals.items():
        if math.prod(signal.shape) > MAX_VALUES:
            raise FormatError(
                graph.where,
                f"{port} would carry values of shape {signal.shape}, more than {MAX_VALUES}",
            )
    for path, node in nodes.items():
        into = next(iter(circuit.processes[path].in_specs), None)
        if into is not None:
            _compare(node, circuit.signals[f"{path}.{into}"].shape, whole)
    network.metadata = _beside(graph, dt)
    return network


def _check(graph: Graph, prefix: str = "") -> None:
    """Refuse edges that lead nowhere, and paths that mean two nodes."""
    where = f"{graph.where}/edges"
    inside: list[str] = []
    for name, member in graph.nodes.items():
        if isinstance(member, Graph):
            _check(member, f"{prefix}{name}.")
            inside += [f"{name}.{path}" for path in (*member.nodes, *leaves(member))]
    twice = {*inside} & {*graph.nodes}
    if twice:
        raise FormatError(f"{graph.where}/nodes", f"{named(dict.fromkeys(twice))} is there twice")
    for edge in graph.edges:
        for name, kind, end in zip(edge, ("Output", "Input"), ("from", "to"), strict=True):
            member = graph.nodes[name]
            if isinstance(member, Graph):
                count = len(member.of_kind(kind))
                if count != 1:
                    raise FormatError(
                        f"{where}: {arrow(edge)}", f"{name!r} has {count} {kind} nodes, wanted one"
                    )
            elif member.kind == {"Output": "Input", "Input": "Output"}[kind]:
                continue
            elif member.kind == kind:
                raise FormatError(f"{where}: {arrow(edge)}", f"leads {end} the {kind} {name!r}")


@dataclass
class _Builder:
    """Makes networks of graphs; ``later`` are the edges that take a step."""

    given: Mapping[str, Any]
    later: frozenset[Edge]
    inputs: dict[str, InPort] = field(default_factory=dict)
    outputs: dict[str, OutPort] = field(default_factory=dict)

    def network(self, graph: Graph, prefix: str, above: tuple[Mapping[str, Any], ...]) -> Network:
        """The network of a graph, with what the metadata of the graphs around it say."""
        net = Network()
        said = (graph.metadata, *above)
        for name, member in graph.nodes.items():
            path = f"{prefix}{name}"
            if isinstance(member, Graph):
                net.add(self.network(member, f"{path}.", said), name)
            else:
                self.add(net, member, name, path, said)
        for edge in graph.edges:
            source, target = (net.processes[name] for name in edge)
            delay = int(leaf_edge(graph, edge, prefix) in self.later)
            net.connect(source, target, delay)
        return net

    def add(
        self,
        net: Network,
        node: Node,
        name: str,
        path: str,
        above: tuple[Mapping[str, Any], ...],
    ) -> None:
        """Add what a node describes."""
        options = resolve(node.where, self.given, node.metadata, *above, kind=node.kind)
        is_port = node.kind in ("Input", "Output")
        try:
            process = _port(node, options, path == name) if is_port else _process(node, options)
            net.add(process, name)
        except FormatError:
            raise
        except BidlError as error:
            if error.where == "netx.load, dt":
                raise
            raise FormatError(node.where, str(error)) from None
        if is_port and path != name:
            ports = process.in_ports if node.kind == "Input" else process.out_ports
            net.expose(next(iter(ports.values())), name)


def _process(node: Node, options: Options) -> Process:
    return population(node, options) if node.kind in KINDS else layer(node, options)


def _port(node: Node, options: Options, outermost: bool) -> Process:
    """Where values enter or leave: of an inner graph a process that sends on what it gets."""
    shape = options.library.shape(node.integers("shape"))
    if not outermost:
        return Add()
    return Input(shape) if node.kind == "Input" else Sink()


DECLARED = {"Output": "shape", "Input": "shape", "Flatten": "input_type"}


def _compare(node: Node, shape: Shape, options: Options) -> None:
    """Warn where a file says another shape than its nodes have; nothing depends on it."""
    name = DECLARED.get(node.kind, "input_shape")
    if name not in node.fields:
        return
    found = shape[1:] if name == "input_shape" else shape
    declared = node.integers(name)
    if name == "shape":
        declared = options.library.shape(declared)
    if declared != found:
        warnings.warn(f"{node.where}/{name}: is {declared}, but {found} arrives", stacklevel=4)


# -- what is kept beside the network ---------------------------------------------------------------


def _beside(graph: Graph, dt: float) -> dict[str, Any]:
    """What a file says that a network does not: version, timestep, and metadata of others."""
    nodes = {path: _others(member.metadata) for path, member in _members(graph).items()}
    found: dict[str, Any] = {
        "version": graph.version,
        "dt": dt,
        "metadata": _others(graph.metadata),
        "nodes": {path: said for path, said in nodes.items() if said},
    }
    kept = graph.metadata.get(f"{PREFIX}metadata")
    try:
        own = json.loads(kept) if kept is not None else {}
    except (TypeError, ValueError, RecursionError):
        own = None
    if not isinstance(own, dict):
        raise FormatError(f"{graph.where}/metadata/{PREFIX}metadata", "is no JSON object")
    return {**own, "nir": {key: said for key, said in found.items() if said}}


def _members(graph: Graph, prefix: str = "") -> dict[str, Node | Graph]:
    found: dict[str, Node | Graph] = {}
    for name, member in graph.nodes.items():
        found[f"{prefix}{name}"] = member
        if isinstance(member, Graph):
            found |= _members(member, f"{prefix}{name}.")
    return found


def _others(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: to_json(value) for key, value in metadata.items() if not key.startswith(PREFIX)}


def to_json(value: Any) -> Any:
    """Texts as they are, numbers with their dtype."""
    if isinstance(value, (str, list)):
        return value
    array = np.asarray(value)
    return {"dtype": array.dtype.str, "data": array.tolist()}


def from_json(value: Any) -> Any:
    """What `to_json` was given."""
    if isinstance(value, dict):
        return np.array(value["data"], np.dtype(value["dtype"]))
    return value
