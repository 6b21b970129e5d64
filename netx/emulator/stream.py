"""Streams and events: what is done after what."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bidl_sim.errors import ShapeError
from bidl_sim.netx.emulator.memory import Memory, flat_bytes
from bidl_sim.netx.emulator.model import Model
from bidl_sim.netx.emulator.queue import Code, Queue
from bidl_sim.typing import Array


class Event:
    """Something that a stream passes and others wait for."""

    def __init__(self) -> None:
        self.recorded = 0
        self.passed = 0


class Stream:
    """Commands that are done one after another, some time before `synchronize` returns.

    Each call only notes the command; its code says whether that was possible. Bytes that are too
    few raise `ShapeError` at once. Of two streams nothing is known but what events say: a missing
    one is no error, it is wrong data.
    """

    def __init__(self, device: int, queue: Queue) -> None:
        self.device, self._queue = device, queue
        self.number = queue.stream()

    # -- copies ----------------------------------------------------------------------------------

    def copy_in(self, target: Memory, source: Array) -> Code:
        """All bytes of a host array, as it is when the copy is done, to the device."""
        data = flat_bytes(source)
        target.check(len(data))

        def run() -> None:
            target.bytes(len(data))[:] = data

        return self._put("copy to the device", run, target)

    def copy_out(self, target: Array, source: Memory) -> Code:
        """As many bytes as a host array has, from the device."""
        data = flat_bytes(target)
        source.check(len(data))

        def run() -> None:
            data[:] = source.bytes(len(data))

        return self._put("copy to the host", run, source)

    # -- models ----------------------------------------------------------------------------------

    def execute(self, model: Model, source: Memory, target: Memory) -> Code:
        """One timestep."""

        def run() -> None:
            model.send(source, target)
            model.receive()

        self._check(model, source, target)
        return self._put("execute", run, model, source, target)

    def send(self, model: Model, source: Memory, target: Memory) -> Code:
        """One timestep, whose output is at ``target`` after a stream has received it."""
        self._check(model, source, target)
        return self._put("send", lambda: model.send(source, target), model, source, target)

    def receive(self, model: Model) -> Code:
        """Wait for the output of the oldest step that was sent and not received."""
        return self._put("receive an output", model.receive, model, ready=lambda: bool(model.sent))

    def reset(self, model: Model) -> Code:
        """Every state takes its declared value, before the next step of this stream."""
        return self._put("reset", model.reset, model)

    def read_state(self, model: Model, flag: str, target: Array) -> Code:
        """Copy a state, ``(batch, *shape)`` in the chip's format, to a host array."""
        return self._state(model, flag, target, write=False)

    def write_state(self, model: Model, flag: str, source: Array) -> Code:
        """Copy a host array into a state."""
        return self._state(model, flag, source, write=True)

    # -- order -----------------------------------------------------------------------------------

    def record(self, event: Event) -> Code:
        """Let an event happen when this stream is here."""
        event.recorded += 1
        number = event.recorded

        def run() -> None:
            event.passed = max(event.passed, number)

        return self._put("record an event", run)

    def wait(self, event: Event) -> Code:
        """Go on after the event, as it was last recorded; one that never was is no wait."""
        number = event.recorded
        return self._put("wait for an event", lambda: None, ready=lambda: event.passed >= number)

    def call(self, function: Callable[[], object]) -> Code:
        """Call a function of the host."""
        return self._put("call the host", function)

    def synchronize(self) -> Code:
        """Work until everything is done; the first error since the last time."""
        return self._queue.finish(self.number)

    # -- checks ----------------------------------------------------------------------------------

    def _put(
        self,
        what: str,
        run: Callable[[], object],
        *uses: Model | Memory,
        ready: Callable[[], bool] = lambda: True,
    ) -> Code:
        """Note a command, which does nothing if what it uses is gone by then."""

        def checked() -> Code:
            if code := self._fault(what, uses):
                return code
            run()
            return Code.OK

        if code := self._fault(what, uses):
            return code
        self._queue.put(self.number, what, checked, lambda: bool(self._gone(uses)) or ready())
        return Code.OK

    def _fault(self, what: str, uses: tuple[Model | Memory, ...]) -> Code:
        found = self._gone(uses)
        if found is None:
            return Code.OK
        code, problem = found
        return self._queue.fail(self.number, code, f"{what}: {problem}")

    def _gone(self, uses: tuple[Model | Memory, ...]) -> tuple[Code, str] | None:
        for used in uses:
            place = used.device if isinstance(used, Model) else used.block.device
            if isinstance(used, Model) and not used.loaded:
                return Code.NO_MODEL, "the model was unloaded"
            if isinstance(used, Memory) and used.block.freed:
                return Code.NO_MEMORY, "the memory was freed"
            if place != self.device:
                problem = f"belongs to device {place}, the stream to device {self.device}"
                return Code.OTHER_DEVICE, problem
        return None

    def _check(self, model: Model, source: Memory, target: Memory) -> None:
        source.check(model.compiled.input_bytes)
        target.check(model.compiled.output_bytes)

    def _state(self, model: Model, flag: str, host: Array, write: bool) -> Code:
        what = "write a state" if write else "read a state"
        if flag not in model.compiled.initial:
            has = ", ".join(model.compiled.initial) or "none"
            problem = f"{what}: the model has no state {flag!r}; has: {has}"
            return self._queue.fail(self.number, Code.NO_STATE, problem)
        wanted = model.compiled.initial[flag]
        if (host.shape, host.dtype) != (wanted.shape, wanted.dtype):
            raise ShapeError(
                f"emulator, state {flag!r}",
                f"is {wanted.dtype} of shape {wanted.shape}, got {host.dtype} of {host.shape}",
            )

        def run() -> None:
            if write:
                model.states[flag] = host.copy()
            else:
                np.copyto(host, model.states[flag])

        return self._put(what, run, model)
