"""How long a run is."""

from __future__ import annotations

from dataclasses import dataclass

from bidl_sim.core.fields import as_int


@dataclass(frozen=True)
class RunSteps:
    """A run of so many steps.

    With ``blocking=False`` it goes on in the background, until it ends or is paused; ``wait()``
    waits for it.
    """

    num_steps: int
    blocking: bool = True

    def __post_init__(self) -> None:
        as_int("RunSteps, num_steps", self.num_steps, 1)


@dataclass(frozen=True)
class RunContinuous:
    """A run in the background, until ``pause()`` or ``stop()``."""

    blocking: bool = False
