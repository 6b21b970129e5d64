"""The work of a simulator's runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from bidl_sim.core.circuit import Circuit, state_shape
from bidl_sim.core.neuron import Population
from bidl_sim.core.process import Process
from bidl_sim.metrics.tally import ChangeTally, GradedTally, Tally
from bidl_sim.metrics.work import Work, render
from bidl_sim.simulator import Simulator

WHOLE = 8
"""Bytes of a whole number."""


class Workload:
    """Counts what a simulator does from now on, in all its runs, process by process.

    Memory is known at once; the rest follows from what the ports of the graph carry. A value costs
    a synapse its operations when it is sent; several senders cost their operations each.

    Examples
    --------
    >>> from bidl_sim import Network
    >>> from bidl_sim.processes import LIF, Dense, Input
    >>> sim = Simulator(Network.sequential(Input(2), Dense(2, 3), LIF()))
    >>> work = Workload(sim)
    >>> _ = sim.run([[1.0, 0.0], [1.0, 1.0]])
    >>> work.processes["dense1"].acs, work.total.as_dict()["synaptic_operations"]["Dense"]
    (9.0, 12.0)
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._circuit = circuit = simulator.circuit
        self._counts = {path: self._watch(path, p) for path, p in circuit.processes.items()}

    @property
    def processes(self) -> dict[str, Work]:
        """The work of each process, by path."""
        return {
            path: self._work(path, process) for path, process in self._circuit.processes.items()
        }

    @property
    def total(self) -> Work:
        """The work of the whole network."""
        return sum(self.processes.values(), start=Work())

    def as_dict(self) -> dict[str, Any]:
        """The network's figures under NeuroBench's names, and under ``processes`` each one's."""
        each = {path: work.as_dict() for path, work in self.processes.items()}
        return {**self.total.as_dict(), "processes": each}

    def __str__(self) -> str:
        return render(self.processes)

    def _watch(self, path: str, process: Process) -> _Counts:
        """Probes that count what this process received, sent or changed."""
        circuit, counts = self._circuit, _Counts()
        if process.fan_out(circuit.main_signal(path)) is not None:
            for port in _fed_by(circuit, path):
                timed = circuit.signals[port].timed
                counts.received.append(self._count(port, Tally(timed)))
                counts.graded.append(self._count(port, GradedTally(timed)))
        if isinstance(process, Population):
            sent = f"{path}.{next(iter(process.out_specs))}"
            counts.sent = self._count(sent, Tally(circuit.signals[sent].timed))
            if membrane := _membrane(process):
                at = f"{path}.{membrane}"
                start = partial(self._simulator.read, at)
                counts.changed = self._count(at, ChangeTally(start))
        return counts

    def _count(self, path: str, tally: Tally) -> Tally:
        self._simulator.probe(path).recording = tally
        return tally

    def _work(self, path: str, process: Process) -> Work:
        nonzero, weights = process.weights()
        found = Work(*self._memory(path, process), weights, nonzero)
        synapses = process.fan_out(self._circuit.main_signal(path))
        used = process.used_fan_out(self._circuit.main_signal(path))
        counts = self._counts[path]
        if synapses is not None and used is not None:
            needed = sum(t.per_sample(float((t.counts * used).sum())) for t in counts.received)
            binary = not any(t.counts.any() for t in counts.graded)
            steps = max((t.per_sample(t.executions) for t in counts.received), default=0.0)
            found = replace(
                found,
                acs=needed if binary else 0.0,
                macs=0.0 if binary else needed,
                dense=float(synapses.sum()) * steps,
            )
        if sent := counts.sent:
            values = float(math.prod(sent.counts.shape)) * sent.executions
            events = float(sent.counts.sum())
            found = replace(found, values=sent.per_sample(values), events=sent.per_sample(events))
        if changed := counts.changed:
            updates = changed.per_sample(float(changed.counts.sum()))
            found = replace(found, membrane_updates=updates)
        return found

    def _memory(self, path: str, process: Process) -> tuple[int, int]:
        """Bytes of parameters, and of states and values on their way of one sample."""
        signals, width = self._circuit.signals, self._simulator.dtype.itemsize
        parameters = sum(
            value.size * (WHOLE if process.param_specs[name].whole else width)
            for name, value in process.parameters().items()
        )
        states = sum(
            math.prod(state_shape(signals, process, path, name))
            * (WHOLE if process.state_specs[name].dtype == "int" else width)
            for name in process.states(training=False)
        )
        for port in process.out_specs:
            leaving = (e for e in self._circuit.edges if (e.source, e.source_port) == (path, port))
            longest = max((e.delay for e in leaving), default=0)
            states += longest * math.prod(signals[f"{path}.{port}"].shape) * width
        return parameters, states


@dataclass
class _Counts:
    """What is counted of one process."""

    received: list[Tally] = field(default_factory=list)
    graded: list[Tally] = field(default_factory=list)
    sent: Tally | None = None
    changed: Tally | None = None


def _fed_by(circuit: Circuit, path: str) -> list[str]:
    """The ports whose values a synapse receives: each source, or its own port after other maps."""
    edges = [e for e in circuit.edges if e.target == path]
    for edge in edges:
        source = circuit.processes[edge.source]
        is_synapse = source.fan_out(circuit.main_signal(edge.source)) is not None
        if is_synapse or (
            edge.delay and not isinstance(source, Population) and not source.external
        ):
            return [f"{path}.{edge.target_port}"]
    return [f"{e.source}.{e.source_port}" for e in edges]


def _membrane(process: Process) -> str | None:
    """The state that is a neuron's potential: v, or else the first."""
    kept = [name for name in process.states(training=False) if name != "fired"]
    return "v" if "v" in kept else next(iter(kept), None)
