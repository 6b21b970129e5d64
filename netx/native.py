"""Saving, loading and describing networks."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.network import Network
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.process import Process
from bidl_sim.errors import BidlError, FormatError, ParameterError
from bidl_sim.netx import file
from bidl_sim.netx.graph import to_network, to_record
from bidl_sim.netx.schema import VERSION, ModelRecord
from bidl_sim.table import table

MAX_VALUES = 2**26
"""No port of a network from a file carries more values, whatever shape the file declares."""


def save(net: Process, path: str | Path, metadata: dict[str, Any] | None = None) -> None:
    """Write a network to a file.

    The file holds the whole network: types, options, parameters, connections. Equal networks
    give equal bytes. An existing file is replaced once the new one is complete.

    Parameters
    ----------
    net
        The network; a single process stands for everything it is connected to.
    metadata
        Anything JSON can say, kept beside the network.
    """
    if not isinstance(net, Process):
        raise ParameterError("netx.save", f"takes a network, got {type(net).__name__}")
    network = net if isinstance(net, Network) else Network.of(net)
    network.build()
    try:
        json.dumps(metadata or {}, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise FormatError("netx.save, metadata", f"must be what JSON can say: {error}") from None
    file.write(ModelRecord(to_record(network), metadata or {}), path)


def load(path: str | Path, **options: Any) -> Network:
    """Read a network from a file; the format is told by content.

    Raises `FormatError`, which names the field, for anything that is damaged, foreign or unsafe.
    """
    if options:
        raise ParameterError(
            f"netx.load, {next(iter(options))}", "is no option of the native format"
        )
    network, _ = load_with_metadata(path)
    return network


def load_with_metadata(path: str | Path) -> tuple[Network, dict[str, Any]]:
    """The network, and what was kept beside it."""
    record = file.read(path)
    network = to_network(record.network, f"{path}: /network")
    try:
        circuit = network.build()
    except BidlError as error:
        raise FormatError(f"{path}: /network", str(error)) from None
    for port, signal in circuit.signals.items():
        if math.prod(signal.shape) > MAX_VALUES:
            raise FormatError(
                f"{path}: /network",
                f"{port} would carry values of shape {signal.shape}, more than {MAX_VALUES}",
            )
    return network, record.metadata


@dataclass(frozen=True)
class ProcessInfo:
    """One line of `Info`."""

    path: str
    type: str
    shape: tuple[int, ...]
    neurons: int
    synapses: int
    parameters: int


@dataclass(frozen=True)
class Info:
    """What a file holds, printed as a table by ``str``."""

    path: str
    format: str
    version: int
    bytes: int
    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]
    processes: tuple[ProcessInfo, ...]
    metadata: dict[str, Any]

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

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        totals = {n: getattr(self, n) for n in ("neurons", "synapses", "parameters")}
        return {**asdict(self), "totals": totals}

    def __str__(self) -> str:
        rows = [["process", "type", "output", "neurons", "synapses", "parameters"]]
        for p in self.processes:
            counts = map(_count, (p.neurons, p.synapses, p.parameters))
            rows.append([p.path, p.type, "x".join(map(str, p.shape)), *counts])
        totals = map(_count, (self.neurons, self.synapses, self.parameters))
        rows.append(["total", "", "", *totals])
        head = f"{self.path}: {self.format}, version {self.version}, {self.bytes:,} bytes"
        return f"{head}\n\n{table(rows, left=3, totals=True)}"


def info(path: str | Path) -> Info:
    """What a file holds: processes, shapes, counts, metadata."""
    network, metadata = load_with_metadata(path)
    circuit = network.build()
    return Info(
        str(path),
        "bidl_sim",
        VERSION,
        Path(path).stat().st_size,
        {p: circuit.main_signal(p).shape for p in circuit.inputs},
        {name: circuit.signals[port].shape for name, port in circuit.outputs.items()},
        tuple(_process_info(circuit, path) for path in circuit.processes),
        metadata,
    )


def _process_info(circuit: Circuit, path: str) -> ProcessInfo:
    process = circuit.processes[path]
    ports = (*process.out_specs, *process.in_specs)
    shape = circuit.signals[f"{path}.{ports[0]}"].shape
    fan_out = process.fan_out(circuit.main_signal(path))
    return ProcessInfo(
        path,
        type(process).__name__,
        shape,
        math.prod(shape) if isinstance(process, Neuron) else 0,
        0 if fan_out is None else int(fan_out.sum()),
        sum(int(value.size) for value in process.parameters().values()),
    )


def _count(number: int) -> str:
    return f"{number:,}" if number else ""
