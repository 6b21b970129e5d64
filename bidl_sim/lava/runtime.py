"""From connected processes to one network and the simulator that runs it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from threading import Event, Thread
from typing import Any

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import GraphError, StateError
from bidl_sim.lava.process import AbstractProcess
from bidl_sim.lava.run_conditions import RunSteps
from bidl_sim.probe import Probe
from bidl_sim.simulator import Simulator
from bidl_sim.typing import Array

PIECE = 1 << 24
"""So many values enter and leave the simulator at once, and at most 1000 steps."""
BETWEEN = 20
"""How many steps are done between two looks whether to pause."""


class Runtime:
    """Everything that is connected to a process, as a network and its simulator."""

    def __init__(self, first: AbstractProcess) -> None:
        self.processes = _connected(first)
        net = Network()
        for part in (p for process in self.processes for p in process.parts):
            net.add(part)
        if not net.processes:
            raise GraphError(first.name, "is connected to nothing that can run")
        self.simulator = Simulator(net, dtype="float64")
        circuit = self.simulator.circuit
        self._paths = {id(part): path for path, part in circuit.processes.items()}
        self._feeds = {self._paths[id(p)]: f for q in self.processes for p, f in q.feeds.items()}
        self._takes = {self._paths[id(p)]: f for q in self.processes for p, f in q.takes.items()}
        phases = [phase for process in self.processes for phase in process.phases]
        self._phases = sorted(phases, key=lambda phase: phase.order)
        moved = [*(f"{path}.s_out" for path in self._feeds), *circuit.outputs.values()]
        values = sum(math.prod(circuit.signals[port].shape) for port in moved)
        self._most = max(1, min(1000, PIECE // (values + 1)))
        self._pausing = Event()
        self._thread: Thread | None = None
        self._error: BaseException | None = None
        self._stopped = False
        for process in self.processes:
            process.runtime = self
        for process in self.processes:
            process.begin(self)

    # -- run, pause, stop ------------------------------------------------------------------------

    def run(self, condition: Any) -> None:
        """Run as a condition says: so many steps, or until told to pause."""
        self._idle("run")
        if self._stopped:
            raise StateError("run", "the processes were stopped", "make and connect new ones")
        self._pausing.clear()
        steps = condition.num_steps if isinstance(condition, RunSteps) else None
        if condition.blocking:
            self._advance(steps, self._most)
            return
        self._thread = Thread(target=self._in_thread, args=(steps,), daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait for a run's end, and raise what ended it."""
        if self._thread:
            self._thread.join()
        self._thread, error, self._error = None, self._error, None
        if error:
            raise error

    def pause(self) -> None:
        """End a run between steps."""
        self._pausing.set()
        self.wait()

    def stop(self) -> None:
        """End for good."""
        self.pause()
        self._stopped = True

    @property
    def is_running(self) -> bool:
        """Whether steps are being done in the background."""
        return self._thread is not None and self._thread.is_alive()

    # -- states ----------------------------------------------------------------------------------

    def read(self, part: Process, member: str) -> Array:
        """A state or parameter of one of our processes."""
        self._idle("get")
        return self.simulator.read(f"{self._paths[id(part)]}.{member}")

    def write(self, part: Process, member: str, value: Array) -> None:
        """Set a state or parameter of one of our processes."""
        self._idle("set")
        self.simulator.write(f"{self._paths[id(part)]}.{member}", value)

    def probe(self, part: Process, member: str) -> Probe:
        """Record a state or port of one of our processes."""
        return self.simulator.probe(f"{self._paths[id(part)]}.{member}")

    # -- inside ----------------------------------------------------------------------------------

    def _idle(self, what: str) -> None:
        if self.is_running:
            raise StateError(what, "steps are being done in the background", "pause() first")

    def _in_thread(self, steps: int | None) -> None:
        try:
            self._advance(steps, BETWEEN)
        except BaseException as error:  # raised where the run is waited for
            self._error = error

    def _advance(self, steps: int | None, most: int) -> None:
        """Do steps, in pieces that end where something is to be done between steps."""
        sim = self.simulator
        end = math.inf if steps is None else sim.t + steps
        while sim.t < end and not self._pausing.is_set():
            t = sim.t
            piece = int(min(most, self._most, end - t, *(p.until(t) for p in self._phases)))
            found = sim.run({k: feed(t, piece) for k, feed in self._feeds.items()}, piece, False)
            if not isinstance(found, Mapping):
                found = dict.fromkeys(sim.circuit.outputs, found)
            for path, take in self._takes.items():
                take(t, found[path])
            for phase in self._phases:
                if phase.due(sim.t - 1):
                    phase.act(sim.t - 1)


def _connected(first: AbstractProcess) -> list[AbstractProcess]:
    found: list[AbstractProcess] = []
    waiting = [first]
    while waiting:
        process = waiting.pop(0)
        if process not in found:
            found.append(process)
            waiting += process.neighbours
    return found
