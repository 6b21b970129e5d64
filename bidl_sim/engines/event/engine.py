"""The event engine: from a circuit, parameters and inputs to outputs and a new state."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.events import Events
from bidl_sim.engines.event.loop import Loop
from bidl_sim.engines.event.lower import Lowering
from bidl_sim.engines.event.roles import check_supported
from bidl_sim.engines.torch.buffers import NUMPY
from bidl_sim.engines.torch.engine import Result, TorchEngine
from bidl_sim.engines.torch.fused import COMPILED
from bidl_sim.engines.torch.signals import State
from bidl_sim.engines.torch.unit import Mode, Unit
from bidl_sim.errors import StateError
from bidl_sim.typing import Array


@dataclass
class Compiled:
    """A circuit bound to parameters; a loop for each set of paths that was recorded so far."""

    mode: Mode
    parameters: Mapping[str, Tensor]
    loops: dict[frozenset[str], Loop] = field(default_factory=dict)


class EventEngine:
    """Executes a circuit as one compiled loop over timesteps, sample by sample.

    A population is updated as a whole; synapses are followed from the values that are not zero.
    The loop is left for Python code when that is due; samples wait there for each other. Spikes are
    those of the torch engine: the same steps, the same random numbers; sums of synaptic inputs may
    round otherwise.
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
        loop = self._loop(lowered, frozenset(record))
        after = {path: torch.from_numpy(value.numpy().copy()) for path, value in state.items()}
        self._play(loop, lowered, t, steps)
        samples = [
            self._begin(loop, inputs, after, sample, steps) for sample in range(lowered.mode.batch)
        ]
        events: list[dict[str, list[Events]]] = [
            {path: [] for path in loop.events} for _ in samples
        ]
        courses = [
            self._course(loop, arrays, found, t, steps)
            for arrays, found in zip(samples, events, strict=True)
        ]
        for stops in zip(*courses, strict=True):  # all samples come to the same calls
            self._call(loop, samples, *stops[0])
        self._end(loop, samples, after)
        recorded: dict[str, Any] = {
            path: self._shaped(path, np.stack([arrays[name] for arrays in samples], 1))
            for path, name in loop.dense.items()
        }
        outputs = {
            name: recorded[port] if self.circuit.signals[port].timed else recorded[port][-1]
            for name, port in self.circuit.outputs.items()
        }
        for path in loop.events:
            recorded[path] = [Events.joined(found[path]) for found in events]
        return Result(outputs, after, {path: recorded[path] for path in record})

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

    def _begin(
        self, loop: Loop, inputs: Mapping[str, Tensor], state: State, sample: int, steps: int
    ) -> dict[str, Any]:
        """One sample's arguments of the loop, which works on ``state`` itself where it can."""
        arrays = dict(loop.arrays)
        for path, name in loop.inputs.items():
            arrays[name] = inputs[path][:, sample].reshape(steps, -1).contiguous().numpy()
        for path, name in loop.states.items():
            arrays[name] = self._by_loop(loop, path, state[path][sample].numpy())
        for port, name in loop.rings.items():
            if port in loop.waiting:
                arriving = state[f"{port}.arriving"].numpy()[:, sample]
                arrays[name] = np.ascontiguousarray(arriving)
            else:
                arrays[name] = np.zeros_like(loop.arrays[name])
        for name in loop.dense.values():
            kind = loop.arrays[name]
            arrays[name] = np.empty((steps, kind.shape[1]), kind.dtype)
        for path, name in loop.bases.items():
            arrays[name] = np.uint64(sample * loop.size(path))
        return arrays

    def _course(
        self,
        loop: Loop,
        arrays: Mapping[str, Any],
        events: Mapping[str, list[Events]],
        t: int,
        steps: int,
    ) -> Iterator[tuple[int, int]]:
        """Run one sample; yields the step and number of each call of Python code that is due."""
        done = part = 0
        while done < steps:
            more, part = loop.function(t + done, done, steps - done, part, *arrays.values())
            done += more
            for path, found in events.items():
                found.append(self._put_away(loop, path))
            if part:
                yield t + done, part

    def _call(self, loop: Loop, samples: list[dict[str, Any]], t: int, number: int) -> None:
        """Call Python code with what arrived in all samples, and leave its answer with each."""
        path, call = loop.calls[number - 1]
        total, answer = (
            loop.states[f"{path}.{name}"] for name in self.circuit.processes[path].states(False)
        )
        seen = np.stack([arrays[total] for arrays in samples])
        answers = call.function(t, seen.reshape(-1, *self.circuit.main_signal(path).shape))
        for arrays, values in zip(samples, answers, strict=True):
            arrays[answer][:] = values.ravel()
            arrays[total][:] = 0

    def _end(self, loop: Loop, samples: list[dict[str, Any]], state: State) -> None:
        """What the loop did not change in place goes back into the state."""
        for sample, arrays in enumerate(samples):
            for path in loop.transposed:
                mine = state[path].numpy()[sample]
                mine[...] = arrays[loop.states[path]].reshape(mine.T.shape).T
            for port, name in loop.waiting.items():
                state[f"{port}.arriving"].numpy()[:, sample] = arrays[name]

    def _by_loop(self, loop: Loop, path: str, value: Array) -> Array:
        """A state as the loop has it: flat, and weights by source."""
        if path in loop.transposed:
            value = np.ascontiguousarray(value.T)
        return value.reshape(-1)

    def _put_away(self, loop: Loop, port: str) -> Events:
        """The events recorded since last time."""
        steps, places, sizes, used = (
            loop.arrays[loop.name(f"{port}.{what}")]
            for what in ("steps", "places", "sizes", "used")
        )
        count = int(used[0])
        used[0] = 0
        return Events(steps[:count].copy(), places[:count].copy(), sizes[:count].copy())

    def _shaped(self, path: str, values: Array) -> Tensor:
        """``(time, batch, *shape)``."""
        signal = self.circuit.signals.get(path)
        tensor = torch.from_numpy(values)
        if signal is None:
            process, _, name = path.rpartition(".")
            shape = self._torch.state_shape(process, name)
        else:
            shape = signal.shape
        return tensor.view(*values.shape[:2], *shape)
