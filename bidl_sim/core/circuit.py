"""The circuit: a network flattened, checked and complete, which every engine executes."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.flatten import Edge, flatten
from bidl_sim.core.infer import infer_signals
from bidl_sim.core.memory import check_memory
from bidl_sim.core.port import Signal
from bidl_sim.core.process import Process
from bidl_sim.core.schedule import check_causal
from bidl_sim.core.seed import stream
from bidl_sim.errors import GraphError, StateError

if TYPE_CHECKING:
    from bidl_sim.core.network import Network


@dataclass(frozen=True)
class Circuit:
    """What a network comes to.

    Attributes
    ----------
    processes
        Processes by path, networks replaced by what they hold.
    edges
        Connections between them.
    signals
        What travels on every port, by port path.
    inputs
        Paths of the processes that take values from outside.
    outputs
        Port paths by output name: sinks and exposed ports, or else every OutPort that nothing
        listens to which sends anything itself.
    """

    processes: Mapping[str, Process]
    edges: tuple[Edge, ...]
    signals: Mapping[str, Signal]
    inputs: tuple[str, ...]
    outputs: Mapping[str, str]

    def main_signal(self, path: str) -> Signal:
        """The signal of a process's first InPort, or of its first OutPort if it has no inputs."""
        process = self.processes[path]
        return self.signals[f"{path}.{next(iter((*process.in_specs, *process.out_specs)))}"]

    def reference(self, path: str, port: str) -> tuple[str, str]:
        """Path of the process and name of the state or parameter that a RefPort refers to."""
        target = self.processes[path].ref_ports[port].target
        assert target is not None  # checked when the network was built
        process, name = target
        return next(p for p, known in self.processes.items() if known is process), name

    def locate(self, path: str) -> tuple[str, str]:
        """Split ``lif1.v`` into process and member; `StateError` names the nearest known path."""
        process, _, member = path.rpartition(".")
        if process in self.processes and member in members(self.processes[process]):
            return process, member
        known = [f"{p}.{m}" for p, proc in self.processes.items() for m in members(proc)]
        near = difflib.get_close_matches(path, known, n=3, cutoff=0.4) or known[:5]
        raise StateError(
            f"path {path!r}", "no such state, parameter or port", f"near: {', '.join(near)}"
        )


def members(process: Process) -> tuple[str, ...]:
    """Names a path can end in: states, parameters in use, and ports that carry values."""
    return (
        *process.states(training=True),
        *process.parameters(),
        *process.in_specs,
        *process.out_specs,
    )


def build(network: Network) -> Circuit:
    """Flatten and check a network, and give first values to parameters that have none.

    Raises `GraphError`, `ShapeError`, `ScheduleError` or `ParameterError`, each naming process
    and port.
    """
    processes, edges = flatten(network)
    if not processes:
        raise GraphError(network.label, "holds no processes")
    check_causal(processes, edges)
    signals = infer_signals(processes, edges)
    for path, process in processes.items():
        first = signals[f"{path}.{next(iter((*process.in_specs, *process.out_specs)))}"]
        process.__post_init__()  # what was set since is checked as what was given
        process.check_parameters(first)
        _initialise(process, path, first, network.seed)
        _check_initial(process, path, signals)
    inputs = tuple(path for path, process in processes.items() if process.external)
    return Circuit(processes, tuple(edges), signals, inputs, _outputs(network, processes, edges))


def _initialise(process: Process, path: str, signal: Signal, seed: int) -> None:
    shapes = process.parameter_shapes(signal)
    present = process.parameters()
    for name, value in present.items():
        if value.ndim == 0 and shapes.get(name):  # one number stands for all of them
            check_memory(f"{process.where}, {name}", 8 * math.prod(shapes[name]), "its values")
            setattr(process, name, np.full(shapes[name], value))
    for name in process.param_specs:
        if name not in present and name not in process.left_out:
            check_memory(f"{process.where}, {name}", 8 * math.prod(shapes[name]), "first values")
            value = process.initialise(name, shapes[name], stream(seed, path, name))
            setattr(process, name, value)


def _check_initial(process: Process, path: str, signals: Mapping[str, Signal]) -> None:
    for name, value in (process.initial or {}).items():
        shape = state_shape(signals, process, path, name)
        if value.shape not in ((), shape):
            raise StateError(
                f"{process.where}, initial[{name!r}]",
                f"must be a number or of shape {shape}, got {value.shape}",
            )


def state_shape(
    signals: Mapping[str, Signal], process: Process, path: str, state: str
) -> tuple[int, ...]:
    """The shape of a state: that of the port it is declared like, unless the process says more."""
    port = process.state_specs[state].like or next(iter((*process.out_specs, *process.in_specs)))
    return process.state_shape(state, signals[f"{path}.{port}"].shape)


def _outputs(
    network: Network, processes: Mapping[str, Process], edges: list[Edge]
) -> dict[str, str]:
    paths = {id(process): path for path, process in processes.items()}
    named = {p: f"{p}.{next(iter(proc.in_specs))}" for p, proc in processes.items() if proc.is_sink}
    for port in network.out_ports.values():
        path = f"{paths[id(port.leaf.process)]}.{port.leaf.name}"
        named[path] = path
    if named:
        return named
    passing_on = (e for e in edges if processes[e.target].out_specs)
    heard = {(e.source, e.source_port) for e in passing_on}
    return {
        f"{path}.{port}": f"{path}.{port}"
        for path, process in processes.items()
        for port in process.out_specs
        if (path, port) not in heard
    }
