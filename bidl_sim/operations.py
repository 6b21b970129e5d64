"""How much work a run was."""

from __future__ import annotations

import numpy as np

from bidl_sim.core.circuit import Circuit
from bidl_sim.probe import Probe
from bidl_sim.simulator import Simulator
from bidl_sim.typing import Array


class SynapticOperations:
    """Counts synaptic operations: each value that is not zero, times the synapses it drives.

    Watches every synapse of a simulator from now on; ``count`` is over the present run.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._watched: list[tuple[Probe, Array]] = []
        circuit: Circuit = simulator.circuit
        for path, process in circuit.processes.items():
            fan_out = process.fan_out(circuit.main_signal(path))
            if fan_out is not None:
                self._watched.append((simulator.probe(_fed_by(circuit, path)), fan_out))

    @property
    def count(self) -> int:
        """Synaptic operations since the reset, over all samples."""
        return sum(int(((probe.data != 0) * np.asarray(fan)).sum()) for probe, fan in self._watched)


def _fed_by(circuit: Circuit, path: str) -> str:
    """The port whose values a synapse receives: its only source, or its own InPort."""
    sources = [f"{e.source}.{e.source_port}" for e in circuit.edges if e.target == path]
    port = next(iter(circuit.processes[path].in_specs))
    return sources[0] if len(sources) == 1 else f"{path}.{port}"
