"""What a process of Lava has: ports and variables, each with a name and a shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bidl_sim.typing import Shape

if TYPE_CHECKING:
    from bidl_sim.lava.process import AbstractProcess


@dataclass(eq=False, repr=False)
class Member:
    """Base of ports and variables.

    Attributes
    ----------
    process
        The process that takes part in a run.
    owner
        Name of what it belongs to: the process, or a layer's neuron or synapse.
    name
    shape
        In Lava's order: ``(x, y, channel)`` or ``(n,)``; None where any fits.
    """

    process: AbstractProcess
    owner: str
    name: str
    shape: Shape | None

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}, shape {self.shape}>"
