"""A compiled step on an emulated device, with its state."""

from __future__ import annotations

from collections import deque

from bidl_sim.netx.emulator.compiled import Compiled
from bidl_sim.netx.emulator.memory import Memory
from bidl_sim.typing import Array


class Model:
    """A loaded model. Its state is in the device: no call for a step gives or takes it.

    A fresh one holds the declared state.
    """

    def __init__(self, compiled: Compiled, device: int) -> None:
        self.compiled, self.device = compiled, device
        self.loaded = True
        self.sent: deque[tuple[Memory, Array]] = deque()
        self.reset()

    def reset(self) -> None:
        """Give every state its declared value."""
        self.states = {flag: value.copy() for flag, value in self.compiled.initial.items()}

    def send(self, source: Memory, target: Memory) -> None:
        """Do a step with the bytes at ``source``; its output waits to be received."""
        given = source.bytes(self.compiled.input_bytes)
        found, self.states = self.compiled.step(given, self.states)
        self.sent.append((target, found))

    def receive(self) -> None:
        """Write the output of the oldest step that was sent."""
        target, found = self.sent.popleft()
        target.bytes(len(found))[:] = found
