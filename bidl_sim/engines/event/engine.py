"""The event engine: from a circuit, parameters and inputs to outputs and a new state."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.events import Events
from bidl_sim.engines.event.course import Course
from bidl_sim.engines.event.loop import Loop
from bidl_sim.engines.event.lower import Lowering
from bidl_sim.engines.event.roles import check_supported
from bidl_sim.engines.torch.buffers import NUMPY
from bidl_sim.engines.torch.engine import Result, TorchEngine
from bidl_sim.engines.torch.fused import COMPILED
from bidl_sim.engines.torch.signals import State
from bidl_sim.engines.torch.threads import shared, threads
from bidl_sim.engines.torch.unit import Mode, Unit
from bidl_sim.errors import StateError
from bidl_sim.typing import Array

PIECE, UPDATES = 1 << 24, 1 << 28
"""A run is done in pieces of at most so many recorded values, and so many updates of a value."""


@dataclass
class Compiled:
    """A circuit bound to parameters; a loop for each set of paths that was recorded so far."""

    mode: Mode
    parameters: Mapping[str, Tensor]
    loops: dict[frozenset[str], Loop] = field(default_factory=dict)


class EventEngine:
    """Executes a circuit as one compiled loop over timesteps, sample by sample.

    A population is updated as a whole; synapses are followed from the values that are not zero.
    As many samples are under way at once as torch has threads. The loop is left for Python code
    when that is due; samples wait there for each other. Spikes are those of the torch engine: the
    same steps, the same random numbers; sums of synaptic inputs may round otherwise.
    """

    def __init__(self, circuit: Circuit, device: torch.device, dtype: torch.dtype) -> None:
        if device.type != "cpu" or dtype not in COMPILED:
            raise StateError(
                "event engine",
                f"runs on the CPU in float32 or float64, not on {device} in {dtype}",
                "engine='torch'",
            )
        self.circuit = circuit
        self._torch = TorchEngine(circuit)
        self._layout: tuple[tuple[str, ...], dict[str, tuple[int, int]]] | None = None
        check_supported(circuit)

    def load(self, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
        """The parameters that the network's processes hold."""
        return self._torch.load(device, dtype)

    def lower(self, mode: Mode, parameters: Mapping[str, Tensor]) -> Compiled:
        """Bind the steps to parameters."""
        return Compiled(mode, parameters)

    def initial_state(self, mode: Mode, parameters: Mapping[str, Tensor]) -> State:
        """The declared state from which a run begins; nothing is on its way."""
        if self._layout is None:
            loop = self._loop(self.lower(mode, parameters), frozenset())
            waiting = {port: loop.arrays[name].shape for port, name in loop.waiting.items()}
            self._layout = tuple(loop.states), waiting
        states, waiting = self._layout
        declared = self._torch.initial_state(mode, parameters)
        state: State = {path: declared[path].contiguous() for path in states}
        for port, (rows, size) in waiting.items():
            state[f"{port}.arriving"] = torch.zeros((rows, mode.batch, size), dtype=mode.dtype)
        return state

    def piece(self, batch: int, record: Collection[str]) -> int:
        """How many steps to do at once: few enough for memory, and to be stopped within seconds."""
        recorded = {*record, *self.circuit.outputs.values()}
        kept = sum(math.prod(self._shape(path)) for path in recorded) * batch
        updates = sum(math.prod(signal.shape) for signal in self.circuit.signals.values()) * batch
        return min(PIECE // (kept + 1), UPDATES // (updates + 1))

    def run(
        self,
        lowered: Compiled,
        inputs: Mapping[str, Tensor],
        state: State,
        *,
        t: int,
        steps: int,
        record: Collection[str] = (),
    ) -> Result:
        """Do ``steps`` timesteps from ``state``, the first of which has index ``t``."""
        loop, batch = self._loop(lowered, frozenset(record)), lowered.mode.batch
        self._play(loop, lowered, t, steps)
        given = {path: inputs[path].numpy() for path in loop.inputs}
        after = {path: value.numpy().copy() for path, value in state.items()}
        kept = {path: self._room(loop, name, batch, steps) for path, name in loop.dense.items()}
        courses = [Course(loop, given, after, kept, sample) for sample in range(batch)]
        scratch = loop.scratch_arrays(min(threads(), batch))
        shared(lambda thread, course: course.go(t, steps, scratch[thread]), courses)
        while courses[0].due:  # all samples come to the same calls
            self._call(loop, courses, t + courses[0].done)
            shared(lambda thread, course: course.go(t, steps, scratch[thread]), courses)
        recorded: dict[str, Any] = {path: self._shaped(path, kept[path]) for path in kept}
        outputs = {
            name: recorded[port] if self.circuit.signals[port].timed else recorded[port][-1]
            for name, port in self.circuit.outputs.items()
        }
        for path in loop.events:
            recorded[path] = [Events.joined(course.found[path]) for course in courses]
        new = {path: torch.from_numpy(value) for path, value in after.items()}
        return Result(outputs, new, {path: recorded[path] for path in record})

    def _loop(self, lowered: Compiled, record: frozenset[str]) -> Loop:
        if record not in lowered.loops:
            mode = lowered.mode
            self._torch.check_memory(mode)
            arrays = {path: value.numpy() for path, value in lowered.parameters.items()}
            lowering = Lowering(self.circuit, arrays, NUMPY[mode.dtype], mode.seed, record)
            lowered.loops[record] = lowering.loop
        return lowered.loops[record]

    def _play(self, loop: Loop, lowered: Compiled, t: int, steps: int) -> None:
        """Sources that are no streams of random numbers say beforehand what they will send."""
        for path, name in loop.played.items():
            own = self._torch.own_parameters(path, lowered.parameters)
            unit = Unit(self.circuit, path, own, {}, {}, lowered.mode)
            sent = [
                next(iter(unit.step({}, t + k)[0].values()))[0].reshape(-1) for k in range(steps)
            ]
            loop.arrays[name] = torch.stack(sent).numpy()

    def _room(self, loop: Loop, name: str, batch: int, steps: int) -> Array:
        kind = loop.arrays[name]
        return np.empty((batch, steps, kind.shape[1]), kind.dtype)

    def _call(self, loop: Loop, courses: list[Course], t: int) -> None:
        """Call Python code with what arrived in all samples, and leave its answer with each."""
        path, call = loop.calls[courses[0].due - 1]
        total, answer = (
            loop.states[f"{path}.{name}"] for name in self.circuit.processes[path].states(False)
        )
        seen = np.stack([course.arrays[total] for course in courses])
        answers = call.function(t, seen.reshape(-1, *self.circuit.main_signal(path).shape))
        for course, values in zip(courses, answers, strict=True):
            course.arrays[answer][:] = values.ravel()
            course.arrays[total][:] = 0

    def _shaped(self, path: str, values: Array) -> Tensor:
        """``(time, batch, *shape)`` from ``(batch, time, size)``."""
        tensor = torch.from_numpy(values).transpose(0, 1)
        return tensor.view(*tensor.shape[:2], *self._shape(path))

    def _shape(self, path: str) -> tuple[int, ...]:
        if path in self.circuit.signals:
            return self.circuit.signals[path].shape
        process, _, name = path.rpartition(".")
        return self._torch.state_shape(process, name)
