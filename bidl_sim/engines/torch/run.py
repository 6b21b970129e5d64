"""One run: stages in order, each over all its timesteps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence

import torch
from torch import Tensor

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.schedule import Stage, needed_only_at_the_end
from bidl_sim.engines.torch.layout import fold, is_batch_first, unfold
from bidl_sim.engines.torch.signals import Signals, State, Wiring, total
from bidl_sim.engines.torch.unit import Mode, Unit

Reader = Callable[[int], Tensor]
"""The value of an InPort in step k of the run."""

Tensors = dict[str, Tensor]
AllSteps = Callable[[Tensors, Tensors], tuple[Tensors, Tensors]]
"""From inputs of all timesteps and states to outputs of all timesteps and new states, by name."""


class Run:
    """The signals and states of a run while it goes on.

    ``kept`` holds, by path, the outputs and what was asked to be recorded.
    """

    def __init__(
        self,
        circuit: Circuit,
        wiring: Wiring,
        units: Mapping[str, Unit],
        mode: Mode,
        state: State,
        record: Collection[str],
        t: int,
        steps: int,
    ) -> None:
        self.wiring, self.units, self.mode = wiring, units, mode
        self.state = dict(state)
        self.signals = Signals(circuit, wiring, mode, state, steps)
        self.at_end = needed_only_at_the_end(circuit, record, mode.training)
        self.to_keep = {*record, *circuit.outputs.values()}
        self.kept: dict[str, Tensor] = {}
        self.t, self.steps = t, steps

    def receive(self, port: str, sequence: Tensor) -> None:
        """Take what a port sent in every step."""
        self.signals.send(port, sequence)
        self._keep(port, sequence)

    def do(self, stages: Sequence[Stage]) -> None:
        """Run the stages in order; a sequence is dropped once its last reader ran."""
        place = {path: k for k, stage in enumerate(stages) for path in stage.paths}
        last_reader = {
            port: max(place[path] for path in readers)
            for port, readers in self.wiring.readers.items()
        }
        for number, stage in enumerate(stages):
            units = [self.units[path] for path in stage.paths if path in self.units]
            if stage.stepwise:
                self._step_by_step(units)
            else:
                for unit in units:
                    self._alone(unit)
            for port, last in last_reader.items():
                if last == number:
                    self.signals.sent.pop(port, None)

    def final_state(self) -> State:
        """The state to go on from."""
        return {**self.state, **self.signals.after}

    def _alone(self, unit: Unit) -> None:
        """A process that needs no other's answer does all its timesteps."""
        if unit.process.folds_time(self.mode.training):
            self._at_once(unit)
        elif kernels := unit.fused(self.steps, self.to_keep):
            parameters, dtype = unit.parameters, self.mode.dtype
            self._together(unit, lambda arrive, at: kernels(arrive, at, parameters, dtype))
        elif unit.does_sequences(self.to_keep):
            self._together(unit, lambda arrive, at: unit.sequence({**arrive, **at}, self.t))
        else:
            self._step_by_step([unit])

    def _at_once(self, unit: Unit) -> None:
        """A stateless process sees time as part of the batch."""
        ports = [f"{unit.path}.{port}" for port in unit.shapes]
        only_last = bool(ports) and self.at_end.issuperset(ports)
        arriving = {n: self.signals.arriving(f"{unit.path}.{n}") for n in unit.process.in_specs}
        for name, sequence in arriving.items():
            self._keep(f"{unit.path}.{name}", sequence)
        if only_last:
            arriving = {name: sequence[-1:] for name, sequence in arriving.items()}
        batch_first = any(map(is_batch_first, arriving.values()))
        folded = {name: fold(sequence, batch_first) for name, sequence in arriving.items()}
        sent, _, _ = unit.step(folded, self.t)
        for name, values in sent.items():
            self.receive(f"{unit.path}.{name}", unfold(values, self.mode.batch, batch_first))

    def _together(self, unit: Unit, all_steps: AllSteps) -> None:
        """A process does all its timesteps in one call."""
        arriving = {n: self.signals.arriving(f"{unit.path}.{n}") for n in unit.process.in_specs}
        for name, sequence in arriving.items():
            self._keep(f"{unit.path}.{name}", sequence)
        before = {name: self.state[f"{unit.path}.{name}"] for name in unit.states}
        sent, states = all_steps(arriving, before)
        self.state.update({f"{unit.path}.{name}": value for name, value in states.items()})
        for name, sequence in sent.items():
            at = f"{unit.path}.{name}"
            self._keep(at, sequence)
            if name in unit.shapes:
                self.signals.send(at, sequence[-1:] if at in self.at_end else sequence)

    def _step_by_step(self, units: list[Unit]) -> None:
        """In every step, each process in order reads the others' latest values."""
        ports = [f"{unit.path}.{port}" for unit in units for port in unit.shapes]
        now: dict[str, Tensor] = {}
        past = {port: self._past(port) for port in ports}
        readers = {unit.path: self._readers(unit, now, past) for unit in units}
        traces: dict[str, list[Tensor]] = {path: [] for path in self._to_trace(units)}
        for k in range(self.steps):
            written: State = {}
            for unit in units:
                path = unit.path
                arriving = {name: read(k) for name, read in readers[path].items()}
                found = {f"{path}.{name}": value for name, value in arriving.items()}
                arriving.update({name: self.state[at] for name, at in unit.carried.items()})
                arriving.update({name: self._referred(at) for name, at in unit.references.items()})
                sent, states, writes = unit.step(arriving, self.t + k)
                now.update({f"{path}.{name}": value for name, value in sent.items()})
                found.update({f"{path}.{name}": value for name, value in sent.items()})
                found.update({f"{path}.{name}": value for name, value in states.items()})
                self.state.update({f"{path}.{name}": value for name, value in states.items()})
                written.update({unit.references[name]: value for name, value in writes.items()})
                for at in traces.keys() & found.keys():
                    if at in self.at_end:
                        traces[at].clear()
                    traces[at].append(found[at])
            self.state.update(written)
            for port in ports:
                past[port].append(now[port])
        for at, values in traces.items():
            sequence = torch.stack(values)
            self._keep(at, sequence)
            if at in now:
                self.signals.send(at, sequence)

    def _past(self, port: str) -> deque[Tensor]:
        """The values of earlier steps, as far back as the longest delay reaches."""
        delay = self.wiring.longest_delay.get(port, 0)
        return deque(self.signals.history(port).unbind(0) if delay else (), maxlen=delay)

    def _readers(
        self, unit: Unit, now: Mapping[str, Tensor], past: Mapping[str, deque[Tensor]]
    ) -> dict[str, Reader]:
        readers: dict[str, Reader] = {}
        for name in unit.process.in_specs:
            port = f"{unit.path}.{name}"
            parts: list[Reader] = []
            for edge in self.wiring.into[port]:
                source = f"{edge.source}.{edge.source_port}"
                if source not in past:  # sent in an earlier stage, complete by now
                    parts.append(self.signals.delayed(edge).unbind(0).__getitem__)
                elif edge.delay:
                    parts.append(_from_past(past[source], edge.delay))
                else:
                    parts.append(_from_now(now, source))
            readers[name] = _sum_of(parts) if parts else _always(self.signals.zeros(port))
        return readers

    def _to_trace(self, units: list[Unit]) -> set[str]:
        """Members whose values outlive their step: kept, read by later stages, or with delay."""
        inside = {unit.path for unit in units}
        traced = set()
        for unit in units:
            for name in (*unit.states, *unit.process.in_specs, *unit.shapes):
                at = f"{unit.path}.{name}"
                leaves = bool(self.wiring.readers.get(at, set()) - inside)
                if leaves or at in self.to_keep or at in self.wiring.longest_delay:
                    traced.add(at)
        return traced

    def _referred(self, at: str) -> Tensor:
        """The value a RefPort reads: part of the state, or a fixed parameter."""
        if at in self.state:
            return self.state[at]
        owner, _, name = at.rpartition(".")
        return self.units[owner].parameters[name]

    def _keep(self, at: str, sequence: Tensor) -> None:
        if at in self.to_keep:
            self.kept[at] = sequence


def _from_now(now: Mapping[str, Tensor], source: str) -> Reader:
    return lambda k: now[source]


def _from_past(past: deque[Tensor], delay: int) -> Reader:
    return lambda k: past[-delay]


def _always(value: Tensor) -> Reader:
    return lambda k: value


def _sum_of(parts: list[Reader]) -> Reader:
    return parts[0] if len(parts) == 1 else lambda k: total([read(k) for read in parts])
