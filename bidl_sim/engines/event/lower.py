"""From a circuit to its loop: what each process does in a step."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.forms import (
    Concatenation,
    Largest,
    Matrix,
    Product,
    PythonCall,
    RandomSpikes,
    Rows,
    SquaresOverTheirSum,
    WeightRule,
)
from bidl_sim.core.memory import check_memory
from bidl_sim.core.process import Process
from bidl_sim.core.seed import splitmix
from bidl_sim.core.trace.step import Trace
from bidl_sim.engines.event.loop import Loop
from bidl_sim.engines.event.plan import Plan
from bidl_sim.engines.event.plasticity import learn
from bidl_sim.engines.event.recording import keep, note
from bidl_sim.engines.event.repeats import one_by_one, without_repeats
from bidl_sim.engines.event.update import update_source
from bidl_sim.engines.kernels.compile import compiled
from bidl_sim.errors import StateError
from bidl_sim.typing import Array


class Lowering:
    """Writes the loop of a circuit.

    Parameters
    ----------
    parameters
        Values by path, in the format the engine computes in.
    seed
        Of stochastic processes.
    record
        Paths whose values of every step are wanted.
    """

    def __init__(
        self,
        circuit: Circuit,
        parameters: Mapping[str, Array],
        dtype: Any,
        seed: int,
        record: Collection[str],
    ) -> None:
        self.circuit, self.dtype, self.seed = circuit, dtype, seed
        self.record = set(record)
        self._tables: dict[str, str] = {}
        self.plan = Plan(circuit, parameters, dtype, record)
        self.loop = Loop(circuit, transposed=self.plan.transposed)
        for port, rows in self.plan.rings().items():
            ring = np.zeros((rows, self.loop.size(port)), dtype)
            self.loop.rings[port] = self.loop.argument(f"{port}.arriving", ring)
        for path in self.plan.order:
            self._process(path)

    # -- one process -----------------------------------------------------------------------------

    def _process(self, path: str) -> None:
        form, process = self.plan.forms[path], self.circuit.processes[path]
        if isinstance(form, Trace):
            self._population(path, process, form)
        elif isinstance(form, (Rows, Matrix)):
            self._map(path, process, form)
        elif isinstance(form, WeightRule):
            learn(self, path, form)
        elif isinstance(form, (Largest, SquaresOverTheirSum)):
            self._together(path, process, form)
        elif isinstance(form, Product):
            self._product(path, process, form)
        elif isinstance(form, Concatenation):
            self._concatenation(path, process, form)
        elif isinstance(form, PythonCall):
            self._python(path, process, form)
        elif form == "sink":
            self._gathered(f"{path}.{next(iter(process.in_specs))}")
        else:
            self._source(path, process, form)

    def _source(self, path: str, process: Process, form: Any) -> None:
        port = f"{path}.{next(iter(process.out_specs))}"
        size = self.loop.size(port)
        if isinstance(form, str):
            values = self.loop.argument(port, np.zeros((1, size), self.dtype))
            (self.loop.inputs if form == "input" else self.loop.played)[path] = values
            out = f"{values}[at + k]"
        else:
            key, gamma = (np.uint64(word) for word in splitmix(self.seed, path))
            out = self._values(port, size)
            words = zip(("key", "gamma"), (key, gamma), strict=True)
            stream = [self.loop.argument(f"{path}.{name}", word) for name, word in words]
            base = self.loop.argument(f"{path}.base", np.uint64(0))
            self.loop.bases[port] = base
            if isinstance(form, RandomSpikes):
                rate = self.loop.argument(f"{path}.rate", _as(form.rate.ravel(), self.dtype))
                call = f"poisson_spikes(t, {base}, {', '.join(stream)}, {rate}, {out})"
            else:
                below = self.loop.argument(f"{path}.below", _as(form.below, self.dtype))
                guide = self.loop.argument(f"{path}.guide", _as(form.guide, np.int64))
                size_of = self.loop.argument(f"{path}.size", self.dtype(form.size))
                call = (
                    f"poisson_counts(t, {base}, {', '.join(stream)}, "
                    f"{below}, {guide}, {size_of}, {out})"
                )
            self.loop.write(call)
        self._send(port, out)

    def _population(self, path: str, process: Process, step: Trace) -> None:
        rows = {n: self.loop.row(f"{path}.{n}") for n in step.inputs}
        for port in step.inputs:
            if f"{path}.{port}" in self.plan.kept:
                keep(self.loop, f"{path}.{port}", rows[port], self.dtype)
        outs = self.update(path, step, rows)
        for n in step.states:
            if f"{path}.{n}" in self.plan.kept:
                keep(self.loop, f"{path}.{n}", self.loop.states[f"{path}.{n}"], self.dtype)
        for n, out in outs.items():
            self._send(f"{path}.{n}", out)

    def update(
        self, path: str, step: Trace, rows: Mapping[str, str], clear: bool = True
    ) -> dict[str, str]:
        """Write the update of all neurons by a traced step; returns the variables of its outputs.

        ``rows`` are the variables of what arrives, which are left empty, or else not touched.
        """
        process = self.circuit.processes[path]
        own = {n: v for n, v in self.plan.own(path).items() if n in step.parameters}
        port = next(iter((*step.outputs, *step.inputs)))
        size = self.loop.size(f"{path}.{port}")
        shared = {n for n, v in own.items() if v.size == 1}
        update = update_source(step, shared, np.dtype(self.dtype).name, clear)
        laid_out = {n: self._laid_out(process, n, v, path) for n, v in own.items()}
        hold = [np.zeros(1 if same else size, self.dtype) for same in update.constants.values()]
        compiled(update.source, "prepare")(size, *(laid_out[n] for n in step.parameters), *hold)
        for n, e in step.states.items():
            kind = np.int64 if e.kind == "int" else self.dtype
            state = self.loop.argument(f"{path}.{n}", np.zeros(size, kind))
            self.loop.states[f"{path}.{n}"] = state
        outs = {n: self._values(f"{path}.{n}", size) for n in step.outputs}
        arguments = [
            *(rows[n] for n in step.inputs),
            *(self.loop.states[f"{path}.{n}"] for n in step.states),
            *outs.values(),
            *(self.loop.argument(f"{path}.{n}", laid_out[n]) for n in step.parameters),
            *(
                self.loop.argument(f"{path}.{port}.{n}", array)
                for n, array in zip(update.constants, hold, strict=True)
            ),
        ]
        function = self.loop.import_from(update.source, "update")
        self.loop.write(f"{function}(t, {', '.join(arguments)})")
        return outs

    def _values(self, port: str, size: int) -> str:
        """The array of a port's values in one step."""
        if port in self.plan.spiking:
            return self.loop.spikes(port, size)
        return self.loop.workspace(port, size, self.dtype)

    def _laid_out(self, process: Process, name: str, value: Array, path: str) -> Array:
        """A parameter with one value for each neuron, or one for all."""
        if value.size == 1:
            return value.reshape(1)
        signal = self.circuit.main_signal(path)
        seen = value.reshape(process.parameter_view(name, value.shape, signal))
        return np.broadcast_to(seen, signal.shape).ravel().copy()

    def _map(self, path: str, process: Process, form: Rows | Matrix) -> None:
        """At its own turn a map adds its constant, and passes on what other maps brought."""
        port = f"{path}.{next(iter(process.in_specs))}"
        if port in self.loop.rings:
            row = self.loop.row(port)
            if port in self.plan.kept:
                keep(self.loop, port, row, self.dtype)
            values = self.loop.workspace(f"{port}.values", self.loop.size(port), self.dtype)
            self.loop.write(f"copy({row}, {values})", f"{row}[:] = 0")
            self.find_events(port, values, False)
            self._spread(port, values, path, 0)
        elif port in self.record:
            raise StateError(f"path {port!r}", "is not held by the event engine", "engine='torch'")
        if form.constant is not None:
            constant = self.loop.argument(
                f"{path}.constant", _as(form.constant.ravel(), self.dtype)
            )
            for target, delay in self.plan.exits(path):
                self.loop.write(f"add({constant}, {self.loop.row(target, delay)})")
        out = f"{path}.{next(iter(process.out_specs))}"
        if out in self.plan.kept:
            self._gathered(out)

    def _together(self, path: str, process: Process, form: Largest | SquaresOverTheirSum) -> None:
        """Values that depend on many of those that arrived, not linearly."""
        port, out = (f"{path}.{next(iter(s))}" for s in (process.in_specs, process.out_specs))
        row, values = self.loop.row(port), self._values(out, self.loop.size(out))
        if isinstance(form, Largest):
            offsets = self.loop.argument(f"{path}.offsets", _as(form.offsets, np.int64))
            places = self.loop.argument(f"{path}.places", _as(form.places, np.int32))
            self.loop.write(f"largest({row}, {offsets}, {places}, {values})")
        else:
            sigma = self.loop.argument(f"{path}.sigma", self.dtype(form.sigma))
            k = self.loop.argument(f"{path}.k", self.dtype(form.k))
            self.loop.write(f"squares_over_their_sum({row}, {sigma}, {k}, {values})")
        self._gathered(port)
        self._send(out, values)

    def _product(self, path: str, process: Process, form: Product) -> None:
        """Of what arrived at two ports, the sums of products go on."""
        ports = [f"{path}.{name}" for name in process.in_specs]
        out = f"{path}.{next(iter(process.out_specs))}"
        shapes = [self.circuit.signals[port].shape for port in ports]
        number = math.prod(form.equation.products(process.where, *shapes)[1])
        check_memory(process.where, 8 * number, "its products")
        *places, count = form.equation.places(process.where, *shapes)
        named = zip(("first", "second"), places, strict=True)
        arguments = [
            *(self.loop.row(port) for port in ports),
            *(self.loop.argument(f"{path}.{name}.places", array) for name, array in named),
            self.loop.argument(f"{path}.count", count),
            self.loop.argument(f"{path}.scale", self.dtype(form.scale)),
        ]
        values = self._values(out, self.loop.size(out))
        self.loop.write(f"products({', '.join(arguments)}, {values})")
        for port in ports:
            self._gathered(port)
        self._send(out, values)

    def _concatenation(self, path: str, process: Process, form: Concatenation) -> None:
        """What arrived at each port goes to its part of the whole."""
        out = f"{path}.{next(iter(process.out_specs))}"
        signals = self.circuit.signals
        ports = [f"{path}.{name}" for name in process.in_specs]
        ends = np.cumsum([signals[port].shape[form.axis] for port in ports])
        whole = np.arange(self.loop.size(out), dtype=np.int32).reshape(signals[out].shape)
        values = self._values(out, whole.size)
        for port, places in zip(ports, np.split(whole, ends[:-1], form.axis), strict=True):
            part = self.loop.argument(f"{port}.places", places.ravel())
            self.loop.write(f"put({self.loop.row(port)}, {part}, {values})")
            self._gathered(port)
        self._send(out, values)

    def _python(self, path: str, process: Process, form: PythonCall) -> None:
        """Add up what arrives, leave the loop where a call is due, send the last answer."""
        port, out = (f"{path}.{next(iter(s))}" for s in (process.in_specs, process.out_specs))
        total, answer = (f"{path}.{n}" for n in process.states(training=False))
        for state, like in ((total, port), (answer, out)):
            values = np.zeros(self.loop.size(like), self.dtype)
            self.loop.states[state] = self.loop.argument(state, values)
        self.loop.write(f"add({self.loop.row(port)}, {self.loop.states[total]})")
        self._gathered(port)
        self.loop.leave(path, form)
        for state in (total, answer):
            if state in self.plan.kept:
                keep(self.loop, state, self.loop.states[state], self.dtype)
        self._send(out, self.loop.states[answer])

    def _gathered(self, port: str) -> None:
        """Record what arrived and leave the row empty."""
        row = self.loop.row(port)
        if port in self.plan.kept:
            keep(self.loop, port, row, self.dtype)
        self.loop.write(f"{row}[:] = 0")

    # -- what leaves a port ----------------------------------------------------------------------

    def _send(self, port: str, out: str) -> None:
        """Record a port's values of this step and bring them to their readers."""
        edges = self.plan.leaving.get(port, ())
        through = [e for e in edges if self.plan.at_once(e)]
        noted = port in self.record and port in self.plan.spiking
        if through or noted:
            self.find_events(port, out, port in self.plan.spiking)
        if noted:
            note(self.loop, port, out, self.dtype)
        if port in self.circuit.outputs.values() or (port in self.record and not noted):
            keep(self.loop, port, out, self.dtype)
        for edge in edges:
            target = f"{edge.target}.{edge.target_port}"
            if edge not in through and not self.plan.heard_directly(target):
                row = self.loop.row(target, edge.delay)
                self.loop.write(f"add({out}, {row})")
        for edge in through:
            self._spread(port, out, edge.target, edge.delay)

    def find_events(self, port: str, values: str, spikes: bool) -> str:
        """Write the search for a port's events; returns the variable they are in."""
        events = self.loop.workspace(f"{port}.events", self.loop.size(port), np.int32)
        found = f"collect_spikes({values}, {values}_eights" if spikes else f"collect({values}"
        self.loop.write(f"n_{events} = {found}, {events})")
        return events

    def heard(self, port: str) -> tuple[str, bool]:
        """The variable of what a learning rule hears at a port, and whether these are spikes."""
        source = self.plan.heard_directly(port)
        return (self.loop.name(source), True) if source else (self.loop.row(port), False)

    def _spread(self, port: str, out: str, path: str, delay: int) -> None:
        """Send a port's events through a linear map."""
        form = self.plan.forms[path]
        events = self.loop.name(f"{port}.events")
        what = f"n_{events}, {events}, {out}, {port in self.plan.spiking}"
        for target, more in self.plan.exits(path):
            late = delay + more
            if isinstance(form, Matrix):
                rows = self.loop.argument(
                    f"{path}.matrix", np.ascontiguousarray(form.by_source, self.dtype)
                )
                self.loop.write(f"spread_dense({what}, {rows}, {self.loop.row(target, late)})")
                continue
            assert isinstance(form, Rows)
            by_step = form.weight.ndim > 1
            if form.delay.size == 1 and not by_step:
                row = self.loop.row(target, late + int(form.delay.reshape(())))
                self.loop.write(f"spread({what}, {self._table(path, form)}, {row})")
            else:
                weight = form.weight if by_step else form.weight.ravel()
                table = ", ".join(
                    (
                        self.loop.argument(f"{path}.offsets", _as(form.offsets, np.int64)),
                        self.loop.argument(f"{path}.targets", _as(form.targets, np.int32)),
                        self.loop.argument(f"{path}.weight", _as(weight, self.dtype)),
                    )
                )
                delays = self.loop.argument(f"{path}.delay", _as(form.delay, np.int32))
                to = f"{what}, {table}, {delays}, {self.loop.rings[target]}"
                if by_step:
                    self.loop.write(f"spread_by_step({to}, t + {delay}, {more})")
                else:
                    self.loop.write(f"spread_delayed({to}, t + {late})")

    def _table(self, path: str, form: Rows) -> str:
        """The variables of a linear map's synapses; weights that change stay one by one."""
        if path not in self._tables:
            learned = path in self.plan.learning.values()
            table = one_by_one(form) if learned else without_repeats(form)
            arrays = {
                "first": table.first,
                "count": table.count,
                "base": table.base,
                "targets": _as(table.targets, np.int32),
                "weight": _as(table.weight, self.dtype),
            }
            names = (self.loop.argument(f"{path}.{name}", a) for name, a in arrays.items())
            self._tables[path] = ", ".join(names)
        return self._tables[path]


def _as(array: Array, kind: Any) -> Array:
    """In the loop's format, without a copy where it is in it already."""
    return array.astype(kind, copy=False)
