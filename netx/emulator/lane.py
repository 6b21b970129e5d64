"""One sample after another on one device: the loop over time that a host does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bidl_sim.errors import StateError
from bidl_sim.netx.emulator.compiled import Compiled
from bidl_sim.netx.emulator.host import Device
from bidl_sim.netx.emulator.memory import Memory
from bidl_sim.netx.emulator.stream import Event
from bidl_sim.typing import Array


@dataclass(frozen=True, eq=False)
class Pass:
    """What a lane was told to do: host arrays that are filled once ``done`` has happened.

    ``outputs`` are bytes ``(time, output bytes)``, ``states`` what was left behind, by flag.
    """

    outputs: Array
    states: dict[str, Array]
    done: Event


class Lane:
    """A model on a device, a stream that sends steps and one that receives them."""

    def __init__(self, device: Device, compiled: Compiled) -> None:
        self.device, self.compiled = device, compiled
        self.model = device.load(compiled)
        self.sender, self.receiver = device.stream(), device.stream()
        self._received = Event()

    def submit(
        self,
        frames: Array,
        reset: bool = True,
        after: Pass | None = None,
        prepare: Callable[[], None] = lambda: None,
        follows: Pass | None = None,
    ) -> Pass:
        """Note all steps of a sequence; nothing is done yet.

        Parameters
        ----------
        frames
            Bytes ``(time, input bytes)``.
        reset
            Whether the sequence begins from the declared state.
        after, prepare
            What must be done before ``prepare`` is called on the host, to fill ``frames``.
        follows
            The sequence whose last states this one goes on from.
        """
        steps, compiled = len(frames), self.compiled
        source = self.device.allocate(steps * compiled.input_bytes)
        target = self.device.allocate(steps * compiled.output_bytes)
        if after is not None:
            self.sender.wait(after.done)
        self.sender.call(prepare)
        self.sender.copy_in(source, frames)
        self.sender.wait(self._received)
        if reset:
            self.sender.reset(self.model)
        if follows is not None:
            self.sender.wait(follows.done)
            for flag, value in follows.states.items():
                self.sender.write_state(self.model, flag, value)
        for t in range(steps):
            places = source.at(t * compiled.input_bytes), target.at(t * compiled.output_bytes)
            self.sender.send(self.model, *places)
            self.receiver.receive(self.model)
        self.sender.record(sent := Event())
        self.receiver.wait(sent)
        return self._collected(source, target, steps)

    def _collected(self, source: Memory, target: Memory, steps: int) -> Pass:
        """Bring everything back to the host, behind the last step."""
        compiled, receiver = self.compiled, self.receiver
        outputs = np.empty((steps, compiled.output_bytes), np.uint8)
        states = {flag: np.empty_like(x) for flag, x in compiled.initial.items()}
        for flag, value in states.items():
            receiver.read_state(self.model, flag, value)
        receiver.record(self._received)
        receiver.copy_out(outputs, target)
        receiver.call(lambda: (self.device.free(source), self.device.free(target)))
        receiver.record(done := Event())
        return Pass(outputs, states, done)

    def collect(self, sequence: Pass) -> dict[str, Array]:
        """The outputs, ``(time, batch, *shape)`` by name, when everything is done."""
        self.finish()
        return self.compiled.unpacked(sequence.outputs, self.compiled.outputs)

    def finish(self) -> None:
        """Wait until everything is done."""
        for stream in (self.sender, self.receiver):
            if code := stream.synchronize():
                raise StateError("emulator", f"a call failed: {code.name}")

    def read(self, flag: str) -> Array:
        """A state, ``(batch, *shape)``."""
        found = np.empty_like(self.compiled.initial[flag])
        self.finish()
        self.sender.read_state(self.model, flag, found)
        self.finish()
        return found

    def write(self, flag: str, value: Array) -> None:
        """Change a state."""
        self.finish()
        self.sender.write_state(self.model, flag, value)
        self.finish()
