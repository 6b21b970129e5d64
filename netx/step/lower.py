"""From a network to its step graph."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import reduce
from typing import Any

import numpy as np

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.flatten import Edge
from bidl_sim.core.forms import Matrix, PythonCall, RandomCounts, RandomSpikes, Rows
from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.core.schedule import schedule
from bidl_sim.errors import FormatError
from bidl_sim.netx.step.builder import Builder
from bidl_sim.netx.step.graph import StepGraph, Tensor
from bidl_sim.netx.step.maps import MAPS, matrix
from bidl_sim.netx.step.populations import population

REASONS: Mapping[type, str] = {
    PythonCall: "calls Python code, which is no plain operation",
    RandomSpikes: "draws random numbers, which is no plain operation",
    RandomCounts: "draws random numbers, which is no plain operation",
}


def step_graph(net: Process, record: Collection[str] = ()) -> StepGraph:
    """One timestep of a network in plain operations, with its states as explicit loads and saves.

    Connections with delay become states ``<process>.<port>.history``, the values that were sent
    last, the oldest first; a process that needs the index of the step has a state ``<process>.t``.

    Parameters
    ----------
    net
        The network; a single process stands for everything it is connected to.
    record
        Paths of ports that are outputs too, and of states, as they are after the step.

    Raises `FormatError`, which names the process, for what plain operations cannot say: Python
    code, random numbers, and rules that change weights.
    """
    network = net if isinstance(net, Network) else Network.of(net)
    return _Lowering(network.build()).graph(record)


class _Lowering:
    """Notes process by process, in the order of a timestep-major schedule."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit, self.builder = circuit, Builder(circuit)
        self.ports: dict[str, Tensor] = {}
        self.late: dict[str, int] = {}
        self.into: dict[str, list[Edge]] = {}
        for edge in circuit.edges:
            self.into.setdefault(f"{edge.target}.{edge.target_port}", []).append(edge)
            source = f"{edge.source}.{edge.source_port}"
            self.late[source] = max(self.late.get(source, 0), edge.delay)
        for stage in schedule(circuit, "timestep"):
            for path in stage.paths:
                self._process(path)

    def graph(self, record: Collection[str]) -> StepGraph:
        """The graph, which also gives what is to be recorded."""
        builder, signals = self.builder, self.circuit.signals
        known = builder.saved() | self.ports
        for name, path in {**{path: path for path in record}, **self.circuit.outputs}.items():
            if path not in known:
                self.circuit.locate(path)
                raise FormatError(
                    f"path {path!r}", "is no state, and no port that receives or sends anything"
                )
            builder.outputs[name] = known[path]
        timed = {n: signals[p].timed for n, p in self.circuit.outputs.items()}
        return builder.finish(timed, self._accumulators())

    def _accumulators(self) -> tuple[str, ...]:
        """Processes whose inputs have a time axis and whose outputs have none."""
        signals = self.circuit.signals
        timed = {e.target: signals[f"{e.source}.{e.source_port}"].timed for e in self.circuit.edges}
        return tuple(
            path
            for path, process in self.circuit.processes.items()
            if timed.get(path) and any(not signals[f"{path}.{n}"].timed for n in process.out_specs)
        )

    def _process(self, path: str) -> None:
        process = self.builder.begin(path)
        if process.external:
            port = f"{path}.{next(iter(process.out_specs))}"
            signal = self.circuit.signals[port]
            self.builder.inputs[path] = Tensor(port, signal.shape, signal.dtype)
            self._send(port, self.builder.inputs[path])
            return
        arriving = {n: self._arriving(f"{path}.{n}") for n in process.in_specs}
        if not process.is_sink:
            for name, x in self._outputs(process, arriving).items():
                port = f"{path}.{name}"
                self._send(port, self.builder.named(x, port))

    def _outputs(self, process: Process, arriving: dict[str, Tensor | None]) -> dict[str, Tensor]:
        builder = self.builder
        if process.ref_specs:
            raise builder.refuse("changes other processes, which is no plain operation")
        given: Any = {
            n: v if process.param_specs[n].whole else v.astype(np.float64)
            for n, v in process.parameters().items()
        }
        maps: Any = MAPS.get(type(process))
        if maps is None:
            form = process.event_form(given, self.circuit.main_signal(builder.path))
            if form is None:
                return population(builder, process, arriving)
            if not isinstance(form, (Matrix, Rows)):
                raise builder.refuse(REASONS.get(type(form), "is in no table of plain operations"))
            maps, given = matrix, form  # a linear map that is in no table
        sent = maps(builder, process, given, *arriving.values())
        return {next(iter(process.out_specs)): sent}

    # -- connections -----------------------------------------------------------------------------

    def _arriving(self, port: str) -> Tensor | None:
        """The sum of what is connected to an InPort; None where nothing is."""
        parts = [self._through(edge) for edge in self.into.get(port, ())]
        if not parts:
            return None
        total = reduce(lambda x, y: self.builder.elementwise("+", x, y), parts)
        self.ports[port] = self.builder.named(total, port) if len(parts) > 1 else total
        return total

    def _through(self, edge: Edge) -> Tensor:
        """What arrives through one connection."""
        source = f"{edge.source}.{edge.source_port}"
        if not edge.delay:
            return self.ports[source]
        history = self._history(source)
        place = history.shape[0] - edge.delay
        shape = self.circuit.signals[source].shape
        return self.builder.reshaped(self.builder.part(history, place, place + 1), shape)

    def _history(self, port: str) -> Tensor:
        signal = self.circuit.signals[port]
        zero = np.zeros((), np.int64 if signal.dtype == "int" else np.float64)
        shape = (self.late[port], *signal.shape)
        return self.builder.load(f"{port}.history", shape, signal.dtype, zero)

    def _send(self, port: str, x: Tensor) -> None:
        self.ports[port] = x
        if self.late.get(port):
            latest = self.builder.reshaped(x, (1, *x.shape))
            line = self.builder.joined(self._history(port), latest)
            self.builder.save(f"{port}.history", self.builder.part(line, 1, line.shape[0]))
