"""Neurons that are silent for a whole sample."""

from __future__ import annotations

from torch import Tensor

from bidl_sim.core.network import Network
from bidl_sim.processes import Dropout as Silence
from bidl_sim.processes import Input
from bidl_sim.slayer.face import Face
from bidl_sim.typing import Shape


class Dropout(Face):
    """In training silences each neuron with probability p over all of time.

    Parameters
    ----------
    p : in [0, 1), default 0.5
    inplace
        Without effect.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.p = p
        self.prepare((1,))

    def build(self, shape: Shape, channels: int | None) -> Network:
        return Network.sequential(Input(shape), Silence(self.p))

    def forward(self, x: Tensor) -> Tensor:
        """The values ``(batch, channel, ..., time)`` of those that are not silent."""
        return self.run(x).movedim(1, -1)
