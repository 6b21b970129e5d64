"""The torch engine: from a circuit, parameters and inputs to outputs and a new state."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bidl_sim.core.circuit import Circuit, state_shape
from bidl_sim.core.memory import check_memory
from bidl_sim.core.schedule import Stage, schedule
from bidl_sim.engines.torch.run import Run
from bidl_sim.engines.torch.signals import State, Wiring
from bidl_sim.engines.torch.unit import Mode, Unit

Parameters = Mapping[str, Tensor]
"""Parameters by path (``dense1.weight``), in the shapes the processes hold them."""


PIECE = 16_000_000
"""A run is done in pieces of at most so many signal values, which bounds its memory."""


@dataclass(frozen=True)
class Result:
    """What a run gives: outputs by name, the state to go on from, and what was recorded by path.

    Sequences are ``(time, batch, ...)``; an output after a temporal aggregation has no time axis.
    """

    outputs: dict[str, Tensor]
    state: State
    recorded: dict[str, Tensor]


@dataclass(frozen=True)
class Lowered:
    """A circuit bound to parameters and a mode, ready to run any number of times."""

    mode: Mode
    units: Mapping[str, Unit]


class TorchEngine:
    """Executes a circuit on tensors. It holds no state: a run takes one and returns the next.

    Parameters
    ----------
    circuit
        What `Network.build` returns.
    order
        The schedule, "timestep" or "process".
    """

    def __init__(self, circuit: Circuit, order: str = "process") -> None:
        self.circuit, self.order = circuit, order
        self.wiring = Wiring(circuit)
        self._stages: dict[bool, tuple[Stage, ...]] = {}
        self.running = tuple(p for p, process in circuit.processes.items() if not process.external)
        self.references = {path: self._references(path) for path in self.running}
        self.written = self._written()

    def stages(self, training: bool) -> tuple[Stage, ...]:
        """The stages in order of execution, made when first asked for."""
        if training not in self._stages:
            self._stages[training] = schedule(self.circuit, self.order, training)
        return self._stages[training]

    def load(self, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
        """The parameters that the network's processes hold, as tensors."""
        return {
            f"{path}.{name}": torch.tensor(
                value,
                device=device,
                dtype=torch.int64 if process.param_specs[name].whole else dtype,
            )
            for path, process in self.circuit.processes.items()
            for name, value in process.parameters().items()
        }

    def initial_state(self, mode: Mode, parameters: Parameters) -> State:
        """The declared state from which a run begins."""
        self.check_memory(mode)
        state: State = {}
        for port, delay in self.wiring.longest_delay.items():
            shape = (delay, mode.batch, *self.circuit.signals[port].shape)
            state[f"{port}.history"] = torch.zeros(shape, device=mode.device, dtype=mode.dtype)
        for path in self.running:
            process = self.circuit.processes[path]
            for name in process.states(mode.training):
                state[f"{path}.{name}"] = self._reset_value(path, name, mode)
        for path in self.running:
            for name, value in self.own_parameters(path, parameters).items():
                if f"{path}.{name}" in self.written:  # each sample changes its own
                    state[f"{path}.{name}"] = value.expand(mode.batch, *value.shape)
        return state

    def lower(self, mode: Mode, parameters: Parameters) -> Lowered:
        """Bind the steps to parameters: what stays the same from run to run."""
        units = {
            path: Unit(
                self.circuit,
                path,
                self.own_parameters(path, parameters),
                self.references[path],
                self._carried(path, mode.training),
                mode,
            )
            for path in self.running
        }
        return Lowered(mode, units)

    def piece(self, batch: int, record: Collection[str]) -> int:
        """How many steps to do at once."""
        values = sum(math.prod(signal.shape) for signal in self.circuit.signals.values())
        return PIECE // (values * batch + 1)

    def run(
        self,
        lowered: Lowered,
        inputs: Mapping[str, Tensor],
        state: State,
        *,
        t: int,
        steps: int,
        record: Collection[str] = (),
    ) -> Result:
        """Do ``steps`` timesteps from ``state``, the first of which has index ``t``.

        ``inputs`` gives each external process its values ``(time, batch, ...)``; ``record`` names
        states and ports whose value in every step is wanted.
        """
        mode = lowered.mode
        run = Run(self.circuit, self.wiring, lowered.units, mode, state, record, t, steps)
        for path, sequence in inputs.items():
            run.receive(f"{path}.{next(iter(self.circuit.processes[path].out_specs))}", sequence)
        run.do(self.stages(mode.training))
        outputs = {
            name: run.kept[port] if self.circuit.signals[port].timed else run.kept[port][-1]
            for name, port in self.circuit.outputs.items()
        }
        return Result(outputs, run.final_state(), {path: run.kept[path] for path in record})

    def check_memory(self, mode: Mode) -> None:
        """Refuse, before anything is allocated, what one timestep alone cannot hold."""
        values = sum(math.prod(signal.shape) for signal in self.circuit.signals.values())
        for port, delay in self.wiring.longest_delay.items():
            values += delay * math.prod(self.circuit.signals[port].shape)
        for path in self.running:
            for name in self.circuit.processes[path].states(mode.training):
                values += math.prod(self.state_shape(path, name))
        needed = values * mode.batch * mode.dtype.itemsize
        available = None
        if mode.device.type == "cuda":
            available = torch.cuda.get_device_properties(mode.device).total_memory
        check_memory("network", needed, f"one timestep of {mode.batch} sample(s)", available)

    def state_shape(self, path: str, name: str) -> tuple[int, ...]:
        """The shape of a process's state, without batch."""
        return state_shape(self.circuit.signals, self.circuit.processes[path], path, name)

    def own_parameters(self, path: str, parameters: Parameters) -> dict[str, Tensor]:
        """One process's parameters, in the shapes its step sees."""
        process = self.circuit.processes[path]
        signal = self.circuit.main_signal(path)
        own = {name: parameters[f"{path}.{name}"] for name in process.parameters()}
        return {
            name: value.reshape(process.parameter_view(name, tuple(value.shape), signal))
            for name, value in own.items()
        }

    def _reset_value(self, path: str, name: str, mode: Mode) -> Tensor:
        process = self.circuit.processes[path]
        spec = process.state_specs[name]
        shape = (mode.batch, *self.state_shape(path, name))
        dtype = torch.int64 if spec.dtype == "int" else mode.dtype
        given = (process.initial or {}).get(name)
        if given is not None:
            return torch.tensor(given, device=mode.device, dtype=dtype).expand(shape)
        zeros = torch.zeros(shape, device=mode.device, dtype=dtype)
        if isinstance(spec.reset, str):
            return getattr(process, spec.reset)(zeros)  # type: ignore[no-any-return]  # see State
        return zeros + spec.reset if spec.reset else zeros

    def _references(self, path: str) -> dict[str, str]:
        """The path that each RefPort of a process refers to."""
        ports = self.circuit.processes[path].ref_ports
        return {name: ".".join(self.circuit.reference(path, name)) for name in ports}

    def _written(self) -> frozenset[str]:
        """Paths of the states and parameters that RefPorts write."""
        return frozenset(
            self.references[path][ref.name]
            for path in self.running
            for ref in self.circuit.processes[path].ref_ports.values()
            if ref.write
        )

    def _carried(self, path: str, training: bool) -> dict[str, str]:
        """What a process's step takes from the run's state: states, and parameters others write."""
        process = self.circuit.processes[path]
        written = (n for n in process.param_specs if f"{path}.{n}" in self.written)
        return {name: f"{path}.{name}" for name in (*process.states(training), *written)}
