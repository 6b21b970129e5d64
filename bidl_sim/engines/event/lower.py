"""From a circuit to its loop: what each process does in a step."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.flatten import Edge
from bidl_sim.core.forms import Largest, Matrix, PythonCall, RandomSpikes, Rows, WeightRule
from bidl_sim.core.process import Process
from bidl_sim.core.schedule import schedule
from bidl_sim.core.seed import splitmix
from bidl_sim.core.trace.step import Trace
from bidl_sim.engines.event.loop import Loop, longest, readers
from bidl_sim.engines.event.merge import merge_maps
from bidl_sim.engines.event.plasticity import learn, weights_of_its_own
from bidl_sim.engines.event.recording import keep, note
from bidl_sim.engines.event.roles import role
from bidl_sim.engines.event.update import is_spike, update_source
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
        self.circuit, self.parameters, self.dtype, self.seed = circuit, parameters, dtype, seed
        self.record = set(record)
        self.outputs = set(circuit.outputs.values())
        self.loop = Loop(circuit)
        order = [p for stage in schedule(circuit, "timestep") for p in stage.paths]
        roles = {path: role(circuit, path, self._own(path), self.record) for path in order}
        rules = (path for path, form in roles.items() if isinstance(form, WeightRule))
        self.learning = {path: circuit.reference(path, "weight")[0] for path in rules}
        learned = set(self.learning.values())
        dense = (path for path in learned if isinstance(roles[path], Matrix))
        self.loop.transposed = {f"{path}.weight" for path in dense}
        roles.update({path: weights_of_its_own(roles[path], dtype) for path in learned})
        fixed = {f"{path}.{port}" for path in learned for port in circuit.processes[path].ports}
        self.forms, self.edges = merge_maps(circuit, roles, self.record | self.outputs | fixed)
        self.order = [path for path in order if path in self.forms]
        self.leaving = readers(self.edges)
        self.spiking = {port for path in self.order for port in self._spiking(path)}
        self._make_rings()
        for path in self.order:
            self._process(path)

    # -- what each process is --------------------------------------------------------------------

    def _own(self, path: str) -> dict[str, Array]:
        process = self.circuit.processes[path]
        return {n: self.parameters[f"{path}.{n}"] for n in process.parameters()}

    def _spreads(self, path: str) -> bool:
        return isinstance(self.forms[path], (Rows, Matrix))

    def _spiking(self, path: str) -> list[str]:
        """The ports that send nothing but 0 and 1."""
        form = self.forms[path]
        if isinstance(form, Trace):
            return [f"{path}.{n}" for n, e in form.outputs.items() if is_spike(e)]
        return [self._out(path)] if isinstance(form, RandomSpikes) else []

    def _at_once(self, edge: Edge) -> bool:
        """Whether values are spread when they leave; a weight that changes waits for them."""
        late = edge.delay and edge.target in self.learning.values()
        return self._spreads(edge.target) and not late

    def _is_kept(self, port: str) -> bool:
        return port in self.record or port in self.outputs

    # -- rings: what will arrive -----------------------------------------------------------------

    def _make_rings(self) -> None:
        """A ring for each port that gathers values: of populations, sinks, maps after maps."""
        late: dict[str, list[int]] = {}
        for path in self.order:
            process = self.circuit.processes[path]
            for port in process.in_specs:
                form = self.forms[path]
                if isinstance(form, Trace) and port not in form.inputs:
                    continue
                if self._heard_directly(f"{path}.{port}"):
                    continue
                if not self._spreads(path) or self._waits(path):
                    late[f"{path}.{port}"] = [0]
            for port in process.out_specs:
                if self._spreads(path) and self._is_kept(f"{path}.{port}"):
                    late[f"{path}.{port}"] = [0]
        for path in self.order:
            for port in self.circuit.processes[path].out_specs:
                for target, delay in self._ways(f"{path}.{port}"):
                    late.setdefault(target, [0]).append(delay)
            if self._spreads(path):
                for target, delay in self._after(path):
                    late.setdefault(target, [0]).append(delay)
        for port, delays in late.items():
            rows = longest(delays)
            owner = port.rpartition(".")[0]
            if rows > 1 and self._spreads(owner) and port not in self.outputs | self._gathering():
                raise StateError(
                    f"path {port!r}",
                    "has delayed values, which the event engine holds where they arrive",
                    "record the port they arrive at, or use engine='torch'",
                )
            ring = np.zeros((rows, self.loop.size(port)), self.dtype)
            self.loop.rings[port] = self.loop.argument(f"{port}.arriving", ring)

    def _gathering(self) -> set[str]:
        """InPorts, which have a ring whether anybody looks or not."""
        return {f"{p}.{n}" for p in self.order for n in self.circuit.processes[p].in_specs}

    def _waits(self, path: str) -> bool:
        """Whether values arrive at a linear map before its turn: from other maps, or late."""
        return any(
            e.target == path and (self._spreads(e.source) or not self._at_once(e))
            for e in self.edges
        )

    def _heard_directly(self, port: str) -> str:
        """For a learning rule, the only port whose spikes it hears, undelayed; "" if not so.

        Where Python code is called within a step, another sample's spikes may stand there by then.
        """
        path, _, name = port.rpartition(".")
        if path not in self.learning or PythonCall in map(type, self.forms.values()):
            return ""
        edges = [e for e in self.edges if (e.target, e.target_port) == (path, name)]
        source = f"{edges[0].source}.{edges[0].source_port}" if edges else ""
        direct = len(edges) == 1 and not edges[0].delay
        return source if direct and source in self.spiking else ""

    def _ways(self, port: str) -> list[tuple[str, int]]:
        """Where a port's values are gathered, and how much later at most."""
        owner = port.rpartition(".")[0]
        if self._spreads(owner):
            return []  # what the map receives is spread at once into where it is gathered
        found: list[tuple[str, int]] = []
        for edge in self.leaving.get(port, ()):
            if self._at_once(edge):
                found += [(t, edge.delay + d) for t, d in self._after(edge.target)]
            elif not self._heard_directly(f"{edge.target}.{edge.target_port}"):
                found.append((f"{edge.target}.{edge.target_port}", edge.delay))
        return found

    def _after(self, path: str) -> list[tuple[str, int]]:
        """As `_ways`, for what a linear map receives."""
        form = self.forms[path]
        slowest = int(form.delay.max(initial=0)) if isinstance(form, Rows) else 0
        return [(target, delay + slowest) for target, delay in self._exits(path)]

    def _exits(self, path: str) -> list[tuple[str, int]]:
        """The ports that gather what a linear map sends, and the delay on the way there."""
        port = self._out(path)
        found = [(f"{e.target}.{e.target_port}", e.delay) for e in self.leaving.get(port, ())]
        return [*found, (port, 0)] if self._is_kept(port) else found

    def _out(self, path: str) -> str:
        return f"{path}.{next(iter(self.circuit.processes[path].out_specs))}"

    # -- one process -----------------------------------------------------------------------------

    def _process(self, path: str) -> None:
        form, process = self.forms[path], self.circuit.processes[path]
        if isinstance(form, Trace):
            self._population(path, process, form)
        elif isinstance(form, (Rows, Matrix)):
            self._map(path, process, form)
        elif isinstance(form, WeightRule):
            learn(self, path, form)
        elif isinstance(form, Largest):
            self._pool(path, process, form)
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
            if self._is_kept(f"{path}.{port}"):
                keep(self.loop, f"{path}.{port}", rows[port], self.dtype)
        outs = self.update(path, step, rows)
        for n in step.states:
            if self._is_kept(f"{path}.{n}"):
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
        own = {n: v for n, v in self._own(path).items() if n in step.parameters}
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
        """The array of a port's values in one step; spikes are bytes, seen also by eights."""
        if port not in self.spiking:
            return self.loop.argument(port, np.zeros(size, self.dtype))
        eights = np.zeros(-(-size // 8), np.uint64)
        out = self.loop.argument(port, eights.view(np.uint8)[:size])
        self.loop.arrays[f"{out}_eights"] = eights
        return out

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
            if self._is_kept(port):
                keep(self.loop, port, row, self.dtype)
            values = self.loop.argument(
                f"{port}.values", np.zeros(self.loop.size(port), self.dtype)
            )
            self.loop.write(f"copy({row}, {values})", f"{row}[:] = 0")
            self.find_events(port, values, False)
            self._spread(port, values, path, 0)
        elif port in self.record:
            raise StateError(f"path {port!r}", "is not held by the event engine", "engine='torch'")
        if form.constant is not None:
            constant = self.loop.argument(
                f"{path}.constant", _as(form.constant.ravel(), self.dtype)
            )
            for target, delay in self._exits(path):
                self.loop.write(f"add({constant}, {self.loop.row(target, delay)})")
        out = f"{path}.{next(iter(process.out_specs))}"
        if self._is_kept(out):
            self._gathered(out)

    def _pool(self, path: str, process: Process, form: Largest) -> None:
        """Of the values that arrived, the largest ones go on."""
        port, out = (f"{path}.{next(iter(s))}" for s in (process.in_specs, process.out_specs))
        offsets = self.loop.argument(f"{path}.offsets", _as(form.offsets, np.int64))
        places = self.loop.argument(f"{path}.places", _as(form.places, np.int32))
        values = self._values(out, self.loop.size(out))
        self.loop.write(f"largest({self.loop.row(port)}, {offsets}, {places}, {values})")
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
            if self._is_kept(state):
                keep(self.loop, state, self.loop.states[state], self.dtype)
        self._send(out, self.loop.states[answer])

    def _gathered(self, port: str) -> None:
        """Record what arrived and leave the row empty."""
        row = self.loop.row(port)
        if self._is_kept(port):
            keep(self.loop, port, row, self.dtype)
        self.loop.write(f"{row}[:] = 0")

    # -- what leaves a port ----------------------------------------------------------------------

    def _send(self, port: str, out: str) -> None:
        """Record a port's values of this step and bring them to their readers."""
        edges = self.leaving.get(port, ())
        through = [e for e in edges if self._at_once(e)]
        noted = port in self.record and port in self.spiking
        if through or noted:
            self.find_events(port, out, port in self.spiking)
        if noted:
            note(self.loop, port, out, self.dtype)
        if port in self.outputs or (port in self.record and not noted):
            keep(self.loop, port, out, self.dtype)
        for edge in edges:
            target = f"{edge.target}.{edge.target_port}"
            if edge not in through and not self._heard_directly(target):
                row = self.loop.row(target, edge.delay)
                self.loop.write(f"add({out}, {row})")
        for edge in through:
            self._spread(port, out, edge.target, edge.delay)

    def find_events(self, port: str, values: str, spikes: bool) -> str:
        """Write the search for a port's events; returns the variable they are in."""
        events = self.loop.argument(f"{port}.events", np.zeros(self.loop.size(port), np.int32))
        found = f"collect_spikes({values}, {values}_eights" if spikes else f"collect({values}"
        self.loop.write(f"n_{events} = {found}, {events})")
        return events

    def heard(self, port: str) -> tuple[str, bool]:
        """The variable of what a learning rule hears at a port, and whether these are spikes."""
        source = self._heard_directly(port)
        return (self.loop.name(source), True) if source else (self.loop.row(port), False)

    def _spread(self, port: str, out: str, path: str, delay: int) -> None:
        """Send a port's events through a linear map."""
        form = self.forms[path]
        events = self.loop.name(f"{port}.events")
        what = f"n_{events}, {events}, {out}, {port in self.spiking}"
        for target, more in self._exits(path):
            late = delay + more
            if isinstance(form, Matrix):
                rows = self.loop.argument(
                    f"{path}.matrix", np.ascontiguousarray(form.by_source, self.dtype)
                )
                self.loop.write(f"spread_dense({what}, {rows}, {self.loop.row(target, late)})")
                continue
            assert isinstance(form, Rows)
            table = ", ".join(
                (
                    self.loop.argument(f"{path}.offsets", _as(form.offsets, np.int64)),
                    self.loop.argument(f"{path}.targets", _as(form.targets, np.int32)),
                    self.loop.argument(f"{path}.weight", _as(form.weight.ravel(), self.dtype)),
                )
            )
            if form.delay.size == 1:
                row = self.loop.row(target, late + int(form.delay.reshape(())))
                self.loop.write(f"spread({what}, {table}, {row})")
            else:
                delays = self.loop.argument(f"{path}.delay", _as(form.delay, np.int32))
                ring = self.loop.rings[target]
                self.loop.write(f"spread_delayed({what}, {table}, {delays}, {ring}, t + {late})")


def _as(array: Array, kind: Any) -> Array:
    """In the loop's format, without a copy where it is in it already."""
    return array.astype(kind, copy=False)
