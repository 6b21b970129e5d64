"""Lava's processes: what they share."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.lava.port import InPort, OutPort
from bidl_sim.processes import Input, Sink
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from bidl_sim.lava.runtime import Runtime

Feed = Callable[[int, int], Array]
"""Gives values ``(steps, *our shape)``, by the index of the first step and how many."""
Take = Callable[[int, Array], None]
"""Is given what arrived, ``(steps, *our shape)``, and the index of the first step."""


@dataclass(frozen=True)
class Phase:
    """Something done between steps: after steps offset, offset + interval, ...

    After one step reads come before resets, and those before loads: the smaller ``order`` first.
    """

    interval: int
    offset: int
    order: int
    act: Callable[[int], None]

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise ParameterError("interval", f"must be >= 1, got {self.interval}")

    def until(self, t: int) -> int:
        """How many steps, from t on, are done when it is due next."""
        return (self.offset - t) % self.interval + 1

    def due(self, t: int) -> bool:
        """Whether it is due after step t."""
        return self.until(t) == 1


class AbstractProcess:
    """Base of all processes, which names what a run needs of each.

    Attributes
    ----------
    name
        For tables and monitors.
    parts
        Our processes.
    feeds, takes
        What comes from outside, by the Input it enters at; what goes there, by its Sink.
    phases
        What is done between steps.
    neighbours
        Processes it is connected to.
    runtime
        What runs it, once it has run.
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name or type(self).__name__
        self.parts: list[Process] = []
        self.feeds: dict[Process, Feed] = {}
        self.takes: dict[Process, Take] = {}
        self.phases: list[Phase] = []
        self.neighbours: list[AbstractProcess] = []
        self.runtime: Runtime | None = None
        self._log_config = SimpleNamespace(level=logging.WARNING)  # scripts set its level

    # -- running ---------------------------------------------------------------------------------

    def run(self, condition: Any, run_cfg: Any = None, compile_config: Any = None) -> None:
        """Run everything that is connected, on from where it is.

        Parameters
        ----------
        condition : RunSteps or RunContinuous
        run_cfg : Loihi1SimCfg or Loihi2SimCfg
            Everything is simulated in Lava's integers, whatever it selects.
        compile_config
            Not needed.
        """
        from bidl_sim.lava.runtime import Runtime

        if run_cfg is not None:
            run_cfg.check()
        runtime = self.runtime or Runtime(self)
        runtime.run(condition)

    def wait(self) -> None:
        """Wait for the end of a run that is not blocking."""
        if self.runtime:
            self.runtime.wait()

    def pause(self) -> None:
        """End a run between two steps; the next goes on from there."""
        if self.runtime:
            self.runtime.pause()

    def stop(self) -> None:
        """End for good. What sinks and monitors recorded can be read afterwards."""
        if self.runtime:
            self.runtime.stop()

    @property
    def is_running(self) -> bool:
        """Whether a run that is not blocking is going on."""
        return self.runtime is not None and self.runtime.is_running

    # -- for processes ---------------------------------------------------------------------------

    def begin(self, runtime: Runtime) -> None:
        """Called before the first step."""

    def join(self, other: AbstractProcess) -> None:
        """Take part in each other's runs."""
        self.neighbours.append(other)
        other.neighbours.append(self)

    def feed(self, name: str, shape: Shape, values: Feed) -> OutPort:
        """A port that sends values from outside; ``shape`` is in Lava's order."""
        entrance = Input(shape[::-1])
        self.parts.append(entrance)
        self.feeds[entrance] = values
        return OutPort(self, self.name, name, shape, entrance.s_out)

    def take(self, name: str, shape: Shape | None, take: Take) -> InPort:
        """A port whose values go outside; ``shape`` is in Lava's order, None for any."""
        end = Sink()
        self.parts.append(end)
        self.takes[end] = take
        return InPort(self, self.name, name, shape, [(end.a_in, 0)])
