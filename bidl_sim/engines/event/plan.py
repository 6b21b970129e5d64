"""What each process is to the loop, and where values are gathered until they are read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.flatten import Edge
from bidl_sim.core.forms import Matrix, PythonCall, RandomSpikes, Rows, WeightRule
from bidl_sim.core.schedule import schedule
from bidl_sim.core.trace.step import Trace
from bidl_sim.engines.event.merge import merge_maps
from bidl_sim.engines.event.plasticity import weights_of_its_own
from bidl_sim.engines.event.roles import role
from bidl_sim.engines.event.update import is_spike
from bidl_sim.errors import StateError
from bidl_sim.typing import Array


class Plan:
    """A circuit seen as what sends events and what gathers them.

    Linear maps hold nothing: what reaches them is spread at once to where it is gathered, which is
    a population, a sink, or a map that cannot be gone through before its turn.

    Attributes
    ----------
    order
        Paths in the order of their turns; maps that became part of others are missing.
    forms
        What each of them is.
    leaving
        The edges that leave each OutPort.
    spiking
        OutPorts that send nothing but 0 and 1.
    learning
        By the path of a plasticity rule, that of its synapses.
    transposed
        Weights that are held by source here, by target elsewhere.
    """

    def __init__(
        self,
        circuit: Circuit,
        parameters: Mapping[str, Array],
        dtype: Any,
        record: Collection[str],
    ) -> None:
        self.circuit, self.parameters = circuit, parameters
        self.kept = {*record, *circuit.outputs.values()}
        order = [p for stage in schedule(circuit, "timestep") for p in stage.paths]
        roles = {path: role(circuit, path, self.own(path), record) for path in order}
        rules = (path for path, form in roles.items() if isinstance(form, WeightRule))
        self.learning = {path: circuit.reference(path, "weight")[0] for path in rules}
        learned = set(self.learning.values())
        dense = (path for path in learned if isinstance(roles[path], Matrix))
        self.transposed = {f"{path}.weight" for path in dense}
        roles.update({path: weights_of_its_own(roles[path], dtype) for path in learned})
        fixed = {f"{path}.{port}" for path in learned for port in circuit.processes[path].ports}
        self.forms, self.edges = merge_maps(circuit, roles, self.kept | fixed)
        self.order = [path for path in order if path in self.forms]
        self.leaving: dict[str, list[Edge]] = {}
        for edge in self.edges:
            self.leaving.setdefault(f"{edge.source}.{edge.source_port}", []).append(edge)
        self.spiking = {port for path in self.order for port in self._spiking(path)}

    def own(self, path: str) -> dict[str, Array]:
        """The parameters of one process."""
        process = self.circuit.processes[path]
        return {n: self.parameters[f"{path}.{n}"] for n in process.parameters()}

    def out(self, path: str) -> str:
        """The first OutPort of a process."""
        return f"{path}.{next(iter(self.circuit.processes[path].out_specs))}"

    def spreads(self, path: str) -> bool:
        """Whether a process is a linear map."""
        return isinstance(self.forms[path], (Rows, Matrix))

    def at_once(self, edge: Edge) -> bool:
        """Whether values are spread when they leave; a weight that changes waits for them."""
        late = edge.delay and edge.target in self.learning.values()
        return self.spreads(edge.target) and not late

    def exits(self, path: str) -> list[tuple[str, int]]:
        """The ports that gather what a linear map sends, and the delay on the way there."""
        port = self.out(path)
        found = [(f"{e.target}.{e.target_port}", e.delay) for e in self.leaving.get(port, ())]
        return [*found, (port, 0)] if port in self.kept else found

    def heard_directly(self, port: str) -> str:
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

    def rings(self) -> dict[str, int]:
        """The ports that gather values, each with how many steps ahead it must hold them."""
        late = {port: [0] for path in self.order for port in self._gathering(path)}
        for path in self.order:
            for port in self.circuit.processes[path].out_specs:
                for target, delay in self._ways(f"{path}.{port}"):
                    late.setdefault(target, [0]).append(delay)
            if self.spreads(path):
                for target, delay in self._after(path):
                    late.setdefault(target, [0]).append(delay)
        rings = {port: 1 + max(delays) for port, delays in late.items()}
        for port, rows in rings.items():
            path, _, name = port.rpartition(".")
            sent = self.spreads(path) and name in self.circuit.processes[path].out_specs
            if rows > 1 and sent and port not in self.circuit.outputs.values():
                raise StateError(
                    f"path {port!r}",
                    "has delayed values, which the event engine holds where they arrive",
                    "record the port they arrive at, or use engine='torch'",
                )
        return rings

    def _spiking(self, path: str) -> list[str]:
        form = self.forms[path]
        if isinstance(form, Trace):
            return [f"{path}.{n}" for n, e in form.outputs.items() if is_spike(e)]
        return [self.out(path)] if isinstance(form, RandomSpikes) else []

    def _gathering(self, path: str) -> list[str]:
        """The ports of a process that gather values, late ones or not."""
        process, form = self.circuit.processes[path], self.forms[path]
        ports = [f"{path}.{n}" for n in process.in_specs]
        if isinstance(form, Trace):
            return [f"{path}.{n}" for n in form.inputs]
        if self.spreads(path):
            ports = ports if self._waits(path) else []
            return ports + [self.out(path)] * (self.out(path) in self.kept)
        return [port for port in ports if not self.heard_directly(port)]

    def _waits(self, path: str) -> bool:
        """Whether values arrive at a linear map before its turn: from other maps, or late."""
        arriving = [e for e in self.edges if e.target == path]
        return any(self.spreads(e.source) or not self.at_once(e) for e in arriving)

    def _ways(self, port: str) -> list[tuple[str, int]]:
        """Where a port's values are gathered, and how much later at most."""
        owner = port.rpartition(".")[0]
        if self.spreads(owner):
            return []  # what the map receives is spread at once into where it is gathered
        found: list[tuple[str, int]] = []
        for edge in self.leaving.get(port, ()):
            if self.at_once(edge):
                found += [(t, edge.delay + d) for t, d in self._after(edge.target)]
            elif not self.heard_directly(f"{edge.target}.{edge.target_port}"):
                found.append((f"{edge.target}.{edge.target_port}", edge.delay))
        return found

    def _after(self, path: str) -> list[tuple[str, int]]:
        """As `_ways`, for what a linear map receives."""
        form = self.forms[path]
        slowest = int(form.delay.max(initial=0)) if isinstance(form, Rows) else 0
        return [(target, delay + slowest) for target, delay in self.exits(path)]
