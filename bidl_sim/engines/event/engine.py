"""The event engine: from a circuit, parameters and inputs to outputs and a new state."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
    Spikes are those of the torch engine: the same steps, the same random numbers; sums of synaptic
    inputs may round otherwise.
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
        dense: dict[str, list[Array]] = {path: [] for path in loop.dense}
        events: dict[str, list[Events]] = {path: [] for path in loop.events}
        for sample in range(lowered.mode.batch):
            self._begin(loop, inputs, after, sample, steps)
            done, pieces = 0, {path: [] for path in loop.events}  # type: ignore[var-annotated]
            while done < steps:
                done += loop.function(t + done, done, steps - done, *loop.arrays.values())
                for path in pieces:
                    pieces[path].append(self._put_away(loop, path))
            for path, name in loop.dense.items():
                dense[path].append(loop.arrays[name].copy())
            for path, found in pieces.items():
                events[path].append(Events.joined(found))
            self._end(loop, after, sample)
        recorded: dict[str, Any] = {
            path: self._shaped(path, np.stack(values, 1)) for path, values in dense.items()
        }
        outputs = {
            name: recorded[port] if self.circuit.signals[port].timed else recorded[port][-1]
            for name, port in self.circuit.outputs.items()
        }
        recorded.update(events)
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
    ) -> None:
        """Put one sample's inputs and state into the arrays of the loop."""
        for path, name in loop.inputs.items():
            loop.arrays[name] = inputs[path][:, sample].reshape(steps, -1).contiguous().numpy()
        for path, name in loop.states.items():
            loop.arrays[name][:] = self._held(loop, path, state[path][sample]).ravel()
        for port, name in loop.waiting.items():
            loop.arrays[name][:] = state[f"{port}.arriving"][:, sample].numpy()
        for name in loop.dense.values():
            old = loop.arrays[name]
            if len(old) != steps:
                loop.arrays[name] = np.empty((steps, old.shape[1]), old.dtype)
        for path, name in loop.bases.items():
            loop.arrays[name] = np.uint64(sample * loop.size(path))

    def _end(self, loop: Loop, state: State, sample: int) -> None:
        """Take the sample's state back."""
        for path, name in loop.states.items():
            mine = self._held(loop, path, state[path][sample])
            mine[...] = loop.arrays[name].reshape(mine.shape)
        for port, name in loop.waiting.items():
            state[f"{port}.arriving"].numpy()[:, sample] = loop.arrays[name]

    def _held(self, loop: Loop, path: str, value: Tensor) -> Array:
        """A state as the loop has it."""
        array: Array = value.numpy()
        return array.T if path in loop.transposed else array

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
