"""How far the emulator is from exact numbers, and which process brings that about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.core.schedule import schedule
from bidl_sim.netx.emulator.executor import Executor, Values
from bidl_sim.netx.emulator.numbers import Numbers
from bidl_sim.netx.emulator.session import EmulatedSession
from bidl_sim.netx.runs import EmulatedRun, SimulatedRun, samples_of
from bidl_sim.netx.step import Tensor, step_graph
from bidl_sim.table import table
from bidl_sim.typing import Array


@dataclass
class Distance:
    """How far one port or state is from what it is in float64.

    ``largest`` is the largest difference in the run, ``own`` the largest that the process makes in
    one step from exact inputs and an exact state, ``scale`` the largest exact value. Of a port
    that spikes, ``differing`` of ``values`` are other than they should be, and ``first`` is the
    step of the first one; of others it counts what is off by more than one unit in the last place
    of ``scale``.
    """

    path: str
    scale: float = 0.0
    largest: float = 0.0
    own: float = 0.0
    values: int = 0
    differing: int = 0
    first: int | None = None

    def add(self, step: int, exact: Array, found: Array, alone: Array, epsilon: float) -> None:
        """Take in one step."""
        exact, found, alone = (np.asarray(x, np.float64) for x in (exact, found, alone))
        self.scale = max(self.scale, float(np.abs(exact).max(initial=0.0)))
        away, own = np.abs(found - exact), np.abs(alone - exact)
        self.largest, self.own = max(self.largest, _largest(away)), max(self.own, _largest(own))
        self.values += exact.size
        wrong = int((~(away <= epsilon * self.scale)).sum())
        self.differing += wrong
        if wrong and self.first is None:
            self.first = step


@dataclass(frozen=True)
class Distances:
    """What `distances` found, in order of execution; ``str`` prints it as a table."""

    numbers: Numbers
    samples: int
    steps: int
    rows: tuple[Distance, ...] = field(default_factory=tuple)

    def __str__(self) -> str:
        heads = ["process, port or state", "largest value", "largest difference", "of its own"]
        lines = [[*heads, "differ", "%", "first step"]]
        for row in self.rows:
            share = 100 * row.differing / max(row.values, 1)
            first = "" if row.first is None else str(row.first)
            figures = [f"{x:.2g}" for x in (row.scale, row.largest, row.own)]
            lines.append([row.path, *figures, f"{row.differing:,}", f"{share:.2f}", first])
        head = (
            f"contract emulator, {self.numbers.dtype}, not the chip, compared with float64: "
            f"{self.samples} samples of {self.steps} steps"
        )
        return "\n".join([head, "", table(lines, left=1)])


def distances(net: Process, inputs: Any = None, numbers: Numbers | None = None) -> Distances:
    """For each process, how far what it sends and keeps is from exact numbers, and from which step.

    Exact is the same step graph in float64, which gives the spikes of the simulator.

    Parameters
    ----------
    net
    inputs
        Samples ``(batch, time, *shape)`` or a mapping from input names; random events by default.
    numbers
        Default fp16, with sums in float32.

    Raises `FormatError` as `EmulatedSession` does.
    """
    session = EmulatedSession(net, numbers)  # refuses what cannot be emulated
    samples, batch, steps = samples_of(session.circuit, inputs)
    network = net if isinstance(net, Network) else Network.of(net)
    pair = _Pair(network, session.numbers, batch)
    for t in range(steps):
        pair.step(t, {n: x[:, t] for n, x in samples.items()})
    return Distances(session.numbers, batch, steps, tuple(pair.rows.values()))


def emulated(net: Process, inputs: Any = None, numbers: Numbers | None = None) -> float:
    """The largest difference of the network's outputs, emulated, to those of the simulator.

    Arguments and errors are those of `distances`; the simulator runs in float32.
    """
    network = net if isinstance(net, Network) else Network.of(net)
    samples, _, steps = samples_of(network.build(), inputs)
    runs = EmulatedRun(network, (), numbers), SimulatedRun(network, "float32")
    found, wanted = (run(samples, steps, ()).outputs for run in runs)
    away = (_largest(np.abs(np.float64(x) - wanted[name])) for name, x in found.items())
    return max(away, default=0.0)


class _Pair:
    """The emulator and exact numbers, side by side."""

    def __init__(self, network: Network, numbers: Numbers, batch: int) -> None:
        circuit = network.build()
        order = (path for stage in schedule(circuit, "timestep") for path in stage.paths)
        ports = [
            f"{path}.{name}"
            for path in order
            if not (process := circuit.processes[path]).external
            for name in process.out_specs
        ]
        self.graph = step_graph(network, ports)
        self.emulator = Executor(self.graph, numbers)
        self.exact = Executor(self.graph, Numbers("float64"))
        self.states = self.emulator.initial(batch), self.exact.initial(batch)
        self._maker = {node.output: node.process for node in self.graph.nodes}
        self.followed = {p: x for p, x in self._followed(ports) if x.kind == "float"}
        self.rows = {path: Distance(path) for path in self.followed}

    def _followed(self, ports: list[str]) -> Iterator[tuple[str, Tensor]]:
        """What each process keeps and sends, in the order of execution."""
        sent, saved = {p: self.graph.outputs[p] for p in ports}, self.graph.saved()
        for process in dict.fromkeys(node.process for node in self.graph.nodes):
            for tensors in (saved, sent):
                for path, x in tensors.items():
                    if path.startswith(f"{process}."):
                        yield path, x

    def step(self, t: int, frames: dict[str, Array]) -> None:
        found = self.emulator.values(frames, self.states[0])
        exact = self.exact.values(frames, self.states[1])
        alone = self._alone(exact)
        epsilon = float(np.finfo(self.emulator.numbers.float).eps)
        for path, x in self.followed.items():
            if x in exact:  # a constant differs in nothing
                self.rows[path].add(t, exact[x], found[x], alone.get(x, found[x]), epsilon)
        saved = self.graph.saved().items()
        self.states = ({f: found[x] for f, x in saved}, {f: exact[x] for f, x in saved})

    def _alone(self, exact: Values) -> Values:
        """Every process with the emulator's numbers, from exact inputs and an exact state."""
        made: Values = {}
        for node in self.graph.nodes:
            if node.output is None:
                continue
            own = {x: made[x] for x in node.inputs if self._maker.get(x) == node.process}
            given = {x: self._rounded(exact[x]) for x in node.inputs if x in exact}
            made[node.output] = (
                self._rounded(exact[node.output])
                if node.op == "load"
                else self.emulator.compute(node, given | own)
            )
        return made

    def _rounded(self, x: Array) -> Array:
        with np.errstate(over="ignore"):
            return x.astype(self.emulator.numbers.float) if x.dtype.kind == "f" else x


def _largest(away: Array) -> float:
    """Infinite where something is not a number."""
    return float(np.nan_to_num(away, nan=np.inf, posinf=np.inf).max(initial=0.0))
