"""Files for a library, whose reader takes some nodes only and means them in its own way."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from bidl_sim.errors import FormatError
from bidl_sim.netx.nir.file import Graph, Member, Node, arrow
from bidl_sim.netx.nir.libraries.membrane import Membrane
from bidl_sim.netx.nir.loops import delayed
from bidl_sim.typing import Array

Writer: TypeAlias = Callable[[Membrane, float], "tuple[str, dict[str, Any]]"]
"""Type and fields of a neuron, as a library reads them with a timestep."""

Options: TypeAlias = Mapping[str, Any]

USUAL: Options = {
    "method": "euler",
    "if_gain": "per_step",
    "reset": "value",
    "max_spikes": 1,
    "v_min": None,
    "compare": "gt",
}
"""One spike at most, above the threshold, and then a reset to a value."""


@dataclass(frozen=True)
class Target:
    """What a library reads, and how.

    Attributes
    ----------
    name
        As messages call it.
    layers
        Types of nodes without a state that it reads.
    neurons
        How a neuron of each type is said to it.
    options
        Those that its neurons have, and how its reader turns equations into timesteps.
    dt : s
        The timestep of networks that have none.
    has_dt
        Whether its reader is told a timestep; if not, steps are ``dt``.
    source
        As whose file it is to be read again, if NIR's equations do not say what is meant.
    loops
        Whether it reads loops.
    uniform
        Fields of neurons that it reads as one number.
    flattens_batch
        Its Flatten takes in the batch axis, too.
    """

    name: str
    layers: tuple[str, ...]
    neurons: Mapping[str, Writer]
    options: Options
    dt: float
    has_dt: bool = True
    source: str | None = None
    loops: bool = True
    uniform: tuple[str, ...] = ()
    flattens_batch: bool = False

    def conform(
        self, graph: Graph, options: Mapping[str, Options], dt: float
    ) -> tuple[Graph, dict[str, Options]]:
        """A graph and the options of its neurons, as the library reads them with steps of dt.

        `FormatError` names what it cannot read.
        """
        self.check_ways(graph)
        nodes: dict[str, Member] = {}
        found: dict[str, Options] = {}
        for name, node in graph.nodes.items():
            if isinstance(node, Graph):
                raise FormatError(node.where, f"{self.name} reads no graph within a graph")
            if node.kind in self.neurons:
                nodes[name] = self.neuron(Membrane.of(node, options[name]), dt)
                found[name] = {**options[name], **self.options, "dt": dt}
            else:
                nodes[name] = self.layer(node)
        return replace(graph, nodes=nodes), found

    def neuron(self, membrane: Membrane, dt: float) -> Node:
        """A neuron with the numbers that the library takes."""
        node = membrane.node
        for name in ("reset", "max_spikes", "v_min"):
            if name in self.options:
                membrane.check_option(name, self.options[name], self.name)
        if self.options["reset"] == "value":
            membrane.check_zero("v_reset", self.name)
        kind, fields = self.neurons[node.kind](membrane, dt)
        if membrane.options.get("max_spikes") == 1:
            fields["v_threshold"] = self.threshold(fields["v_threshold"], membrane.options)
        for name in self.uniform:
            value = fields.get(name)
            if value is not None and np.ptp(value) > 0:
                raise FormatError(
                    f"{node.where}, {name}", f"must be the same for all neurons in {self.name}"
                )
        return Node(node.where, kind, fields)

    def threshold(self, value: Array, options: Options) -> Array:
        """One that float32 potentials pass by the library's comparison when they pass ours."""
        if options["compare"] == self.options["compare"]:
            return value
        towards = np.inf if self.options["compare"] == "ge" else -np.inf
        return np.nextafter(value.astype(np.float32), np.float32(towards))

    def layer(self, node: Node) -> Node:
        """A node without a state, with what the library wants."""
        fields = dict(node.fields)
        if node.kind in ("Input", "Output"):
            return node
        if node.kind == "Linear" and "Linear" not in self.layers:
            bias = np.zeros(len(fields["weight"]), fields["weight"].dtype)
            return Node(node.where, "Affine", {**fields, "bias": bias})
        if node.kind not in self.layers:
            known = ", ".join((*self.layers, *self.neurons))
            raise FormatError(
                node.where, f"is a {node.kind} in NIR, {self.name} does not read it", f"has {known}"
            )
        if node.kind == "SumPool2d" and np.any(fields["padding"] != 0):
            raise FormatError(f"{node.where}, padding", f"{self.name} sums without padding")
        if fields.get("groups", 1) != 1:
            raise FormatError(f"{node.where}, groups", f"{self.name} reads none")
        if node.kind == "Flatten" and self.flattens_batch:
            warnings.warn(
                f"{node.where}: {self.name} flattens the batch axis, too; run one sample at a time",
                stacklevel=6,
            )
        return node

    def check_ways(self, graph: Graph) -> None:
        """Refuse several inputs or outputs, and loops that the library does not read."""
        for kind in ("Input", "Output"):
            if len(graph.of_kind(kind)) != 1:
                raise FormatError(
                    graph.where, f"has {len(graph.of_kind(kind))} {kind}s, {self.name} reads one"
                )
        for edge in () if self.loops else delayed(graph):
            raise FormatError(
                f"{graph.where}: {arrow(edge)}", f"closes a loop; {self.name} reads none"
            )
