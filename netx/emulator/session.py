"""A network on an emulated chip, as a runtime."""

from __future__ import annotations

from collections.abc import Collection
from itertools import cycle
from typing import Any

import numpy as np

from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError, StateError
from bidl_sim.netx.emulator.compiled import Compiled
from bidl_sim.netx.emulator.host import Host
from bidl_sim.netx.emulator.lane import Lane
from bidl_sim.netx.emulator.numbers import Numbers
from bidl_sim.netx.emulator.parallel import batches, run_samples
from bidl_sim.netx.step import folded
from bidl_sim.netx.step.session import StepSession
from bidl_sim.typing import Array


class EmulatedSession(StepSession):
    """A network on a contract emulator, by default in fp16. It is not the chip.

    The host does the loop over time, the device keeps the state, and nothing but `reset` brings the
    declared one back. A batch that no step can be compiled for is cut into such that can, largest
    first, and spread over the devices in turn.

    Parameters
    ----------
    net
    numbers
        Default fp16, with sums in float32.
    input_type : "uint8", "float16", "float32" or "float64"
        See `Compiled`.
    devices, order
        See `Host`.
    record
        Paths of states and ports whose values in every step are kept in ``recorded``, which for
        this leave the device beside the outputs.
    fold
        Whether normalisations become part of the synapses they follow, as in what is exported.

    Raises `FormatError` for what the step graph cannot say, for what the format cannot hold, and
    in a format below float64 for a process that computes with integers.
    """

    def __init__(
        self,
        net: Process,
        numbers: Numbers | None = None,
        input_type: str | None = None,
        devices: int = 1,
        order: int | None = None,
        record: Collection[str] = (),
        fold: bool = True,
    ) -> None:
        super().__init__(net, "float64", record)
        self.numbers = numbers or Numbers()
        for process in self.circuit.processes.values():
            if process.needs_double and self.numbers.dtype != "float64":
                reason = f"computes with integers, which {self.numbers.dtype} does not hold"
                raise FormatError(process.where, reason)
        if fold:
            self.graph = folded(self.graph)
        self._input_type = input_type
        self._host = Host(devices, order)
        self._compiled: dict[int, Compiled] = {}
        self._lanes: list[Lane] = []
        self.reset()

    def begin(self, batch: int) -> None:
        sizes = batches(batch)
        if [lane.compiled.batch for lane in self._lanes] != sizes:
            self._load(sizes)
        for lane in self._lanes:
            lane.sender.reset(lane.model)

    def advance(self, frames: dict[str, Array], steps: int) -> dict[str, Array]:
        return run_samples(self._lanes, frames, steps, reset=False)

    def read(self, flag: str) -> Array:
        """A state, ``(*shape)`` or ``(batch, *shape)``, in the format of the device."""
        self._check_flag(flag)
        values = np.concatenate([lane.read(flag) for lane in self._lanes])
        return values if self._batched else values[0]

    def write(self, flag: str, value: Any) -> None:
        """Change a state to one value, or one for each place, or each sample and place."""
        self._check_flag(flag)
        first = 0
        state = next(state for state in self.graph.states if state.flag == flag)
        rounded = self.numbers.rounded(flag, np.asarray(value), state.kind)
        every = np.broadcast_to(rounded, (self._batch, *state.shape))
        for lane in self._lanes:
            last = first + lane.compiled.batch
            lane.write(flag, every[first:last])
            first = last

    def _load(self, sizes: list[int]) -> None:
        """Take the models off the devices and load others."""
        for lane in self._lanes:
            lane.device.unload(lane.model)
        for size in set(sizes) - set(self._compiled):
            numbers, given = self.numbers, self._input_type
            self._compiled[size] = Compiled(self.graph, size, numbers, given)
        devices = cycle(self._host.devices)
        compiled = [self._compiled[size] for size in sizes]
        self._lanes = [Lane(*both) for both in zip(devices, compiled, strict=False)]

    def _check_flag(self, flag: str) -> None:
        flags = [state.flag for state in self.graph.states]
        if flag not in flags:
            raise StateError(f"state {flag!r}", f"is none; has: {', '.join(flags) or 'none'}")
