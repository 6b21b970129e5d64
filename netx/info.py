"""What a model file holds, as a table."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.neuron import Population
from bidl_sim.errors import ParameterError
from bidl_sim.netx.formats import format_of
from bidl_sim.table import table


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
    version: int | None
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
        tuple(_process_info(circuit, path) for path in circuit.processes),
        network.metadata,
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
        math.prod(shape) if isinstance(process, Population) else 0,
        0 if fan_out is None else int(fan_out.sum()),
        sum(int(value.size) for value in process.parameters().values()),
    )


def _count(number: int) -> str:
    return f"{number:,}" if number else ""
