"""The host's view of the emulated chips: devices, and what is on them."""

from __future__ import annotations

from bidl_sim.errors import ParameterError
from bidl_sim.netx.emulator.compiled import Compiled
from bidl_sim.netx.emulator.memory import Memory
from bidl_sim.netx.emulator.model import Model
from bidl_sim.netx.emulator.queue import Code, Handler, Queue
from bidl_sim.netx.emulator.stream import Stream


class Device:
    """One emulated chip: memory, models, streams."""

    def __init__(self, number: int, queue: Queue) -> None:
        self.number, self._queue = number, queue

    def allocate(self, size: int) -> Memory:
        """So many bytes of memory, with nothing in them yet."""
        return Memory.allocate(self.number, size)

    def free(self, memory: Memory) -> Code:
        """Give memory back, all of what was allocated with it."""
        if memory.block.device != self.number:
            return self._queue.fail(None, Code.OTHER_DEVICE, "free: memory of another device")
        if memory.block.freed:
            return self._queue.fail(None, Code.NO_MEMORY, "free: the memory was freed before")
        memory.block.freed = True
        return Code.OK

    def load(self, compiled: Compiled) -> Model:
        """A model with a state of its own."""
        return Model(compiled, self.number)

    def unload(self, model: Model) -> Code:
        """Take a model off the device."""
        if model.device != self.number:
            return self._queue.fail(None, Code.OTHER_DEVICE, "unload: a model of another device")
        if not model.loaded:
            return self._queue.fail(None, Code.NO_MODEL, "unload: the model was unloaded before")
        model.loaded = False
        return Code.OK

    def stream(self) -> Stream:
        """A new stream."""
        return Stream(self.number, self._queue)


class Host:
    """Emulated chips. A contract emulator: what calls promise, not how long a chip takes.

    Parameters
    ----------
    devices
        How many there are.
    order
        In which order streams get their turn; see `Queue`.
    """

    def __init__(self, devices: int = 1, order: int | None = None) -> None:
        if devices < 1:
            raise ParameterError("emulator, devices", f"must be 1 or more, got {devices}")
        self._queue = Queue(order)
        self._devices = [Device(number, self._queue) for number in range(devices)]

    @property
    def device_count(self) -> int:
        """How many devices there are."""
        return len(self._devices)

    def open(self, number: int) -> tuple[Device | None, Code]:
        """A device by its number."""
        if not 0 <= number < self.device_count:
            problem = f"open: no device {number}, there are {self.device_count}"
            return None, self._queue.fail(None, Code.NO_DEVICE, problem)
        return self._devices[number], Code.OK

    @property
    def devices(self) -> tuple[Device, ...]:
        """All of them."""
        return tuple(self._devices)

    def on_error(self, handler: Handler | None) -> None:
        """Call a function with the stream, the code and a message for each error from now on."""
        self._queue.handler = handler
