"""A contract emulator of a neuromorphic chip: fp16 and what the runtime promises, not the chip."""

from bidl_sim.netx.emulator.compiled import BATCHES, Compiled
from bidl_sim.netx.emulator.distance import Distance, Distances, distances, emulated
from bidl_sim.netx.emulator.host import Device, Host
from bidl_sim.netx.emulator.lane import Lane
from bidl_sim.netx.emulator.memory import Memory
from bidl_sim.netx.emulator.model import Model
from bidl_sim.netx.emulator.numbers import Numbers
from bidl_sim.netx.emulator.parallel import batches, run_grid, run_samples
from bidl_sim.netx.emulator.pieces import cut
from bidl_sim.netx.emulator.queue import Code
from bidl_sim.netx.emulator.session import EmulatedSession
from bidl_sim.netx.emulator.stream import Event, Stream

__all__ = [
    "BATCHES",
    "Code",
    "Compiled",
    "Device",
    "Distance",
    "Distances",
    "EmulatedSession",
    "Event",
    "Host",
    "Lane",
    "Memory",
    "Model",
    "Numbers",
    "Stream",
    "batches",
    "cut",
    "distances",
    "emulated",
    "run_grid",
    "run_samples",
]
