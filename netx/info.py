"""What a model file holds, as a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.network import Network
from bidl_sim.core.neuron import Population
from bidl_sim.core.process import Process
from bidl_sim.core.trace.expression import in_order, operands
from bidl_sim.core.trace.step import trace
from bidl_sim.errors import ParameterError, TraceError
from bidl_sim.netx.formats import format_of
from bidl_sim.netx.losses import losses
from bidl_sim.table import table

PASSED_ON = ("detach", "straight_through")
"""What is for gradients alone."""
COUNTS = ("neurons", "synapses", "parameters", "operations")


@dataclass(frozen=True)
class ProcessInfo:
    """One line of `Info`.

    ``place`` is its path, name by name. ``operations`` are those of one timestep of one sample: a
    product and its sum for a synapse, the traced ones for a neuron.
    """

    path: str
    place: tuple[str, ...]
    type: str
    shape: tuple[int, ...]
    neurons: int
    synapses: int
    parameters: int
    operations: int


@dataclass(frozen=True)
class Info:
    """What a file holds, printed as a table by ``str``."""

    path: str
    format: str
    version: int | None
    bytes: int
    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]
    processes: tuple[ProcessInfo, ...]
    metadata: dict[str, Any]
    network: Network = field(repr=False)

    @cached_property
    def losses(self) -> dict[str, tuple[str, ...]]:
        """What each format would lose, see `bidl_sim.netx.losses`; found when first asked for."""
        return losses(self.network)

    @property
    def neurons(self) -> int:
        """Neurons of all populations."""
        return sum(p.neurons for p in self.processes)

    @property
    def synapses(self) -> int:
        """Connections between single neurons; a shared weight counts as often as it is used."""
        return sum(p.synapses for p in self.processes)

    @property
    def parameters(self) -> int:
        """Numbers the parameters hold."""
        return sum(p.parameters for p in self.processes)

    @property
    def operations(self) -> int:
        """Of one timestep of one sample, were every value to be computed."""
        return sum(p.operations for p in self.processes)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "network"}
        processes = tuple(asdict(p) for p in self.processes)
        totals = {name: getattr(self, name) for name in COUNTS}
        return {**found, "processes": processes, "losses": self.losses, "totals": totals}

    def __str__(self) -> str:
        rows = [["process", "type", "output", *COUNTS]]
        known: tuple[str, ...] = ()
        for p in self.processes:
            *outer, name = p.place
            new = [k for k in range(len(outer)) if known[: k + 1] != p.place[: k + 1]]
            rows += [[2 * k * " " + outer[k], "Network", *5 * [""]] for k in new]
            known = p.place[:-1]
            counts = [_count(getattr(p, what)) for what in COUNTS]
            shape = "x".join(map(str, p.shape))
            rows.append([2 * len(outer) * " " + name, p.type, shape, *counts])
        rows.append(["total", "", "", *(_count(getattr(self, what)) for what in COUNTS)])
        version = f", version {self.version}" if self.version else ""
        head = f"{self.path}: {self.format}{version}, {self.bytes:,} bytes"
        return f"{head}\n\n{table(rows, left=3, totals=True)}"


def info(path: str | Path, **options: Any) -> Info:
    """What a file holds: processes, shapes, counts, metadata; ``options`` as of `load`."""
    kind = format_of(path)
    try:
        network = kind.load(path, **options)
    except ParameterError:  # it does not say all that a run needs
        network = kind.load(path, **{**kind.sketch, **options})
    circuit = network.build()
    return Info(
        str(path),
        kind.name,
        kind.version,
        Path(path).stat().st_size,
        {p: circuit.main_signal(p).shape for p in circuit.inputs},
        {name: circuit.signals[port].shape for name, port in circuit.outputs.items()},
        tuple(_process_info(circuit, place) for place in _places(network)),
        network.metadata,
        network,
    )


def _places(network: Network) -> Iterator[tuple[str, ...]]:
    """Of all processes, those of inner networks where these stand."""
    for name, process in network.processes.items():
        inner: Iterable[tuple[str, ...]]
        inner = _places(process) if isinstance(process, Network) else [()]
        yield from ((name, *place) for place in inner)


def _process_info(circuit: Circuit, place: tuple[str, ...]) -> ProcessInfo:
    path = ".".join(place)
    process = circuit.processes[path]
    ports = (*process.out_specs, *process.in_specs)
    shape = circuit.signals[f"{path}.{ports[0]}"].shape
    fan_out = process.fan_out(circuit.main_signal(path))
    synapses = 0 if fan_out is None else int(fan_out.sum())
    return ProcessInfo(
        path,
        place,
        type(process).__name__,
        shape,
        math.prod(shape) if isinstance(process, Population) else 0,
        synapses,
        sum(int(value.size) for value in process.parameters().values()),
        synapses or math.prod(shape) * _operations(process),
    )


def _operations(process: Process) -> int:
    """Of a traced step of a neuron; 0 where it is not made of single ones."""
    if not isinstance(process, Population):
        return 0
    try:
        step = trace(process, training=False)
    except TraceError:
        return 0
    nodes = in_order([*step.outputs.values(), *step.new_states.values()], values_only=True)
    return sum(bool(operands(node)) and node.op not in PASSED_ON for node in nodes)


def _count(number: int) -> str:
    return f"{number:,}" if number else ""
