"""Random silence in training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bidl_sim.core.fields import Real
from bidl_sim.core.port import In, Out
from bidl_sim.core.process import Process, State
from bidl_sim.errors import ParameterError

if TYPE_CHECKING:
    from torch import Tensor


class Dropout(Process):
    """Training silences each value with probability p for a whole sample; elsewhere the identity.

    The same values are silent in all timesteps (a mask that changed in every step would average
    out over time), and the others are scaled by 1 / (1 - p)::

        a_out = mask s_in

    Parameters
    ----------
    p : in [0, 1), default 0.5

    State
    -----
    mask : drawn from torch's generator at the beginning of a run; exists in training only
    """

    p: Real = Real(0.5, low=0.0, high=1.0)

    s_in = In()
    a_out = Out()
    mask = State(reset="draw_mask", training_only=True)

    def __post_init__(self) -> None:
        if self.p == 1.0:
            raise ParameterError(f"{self.where}, p", "must be below 1, got 1.0")
        super().__post_init__()

    def draw_mask(self, zeros: Tensor) -> Tensor:
        """0 with probability p, else 1 / (1 - p)."""
        return (zeros + (1 - self.p)).bernoulli() / (1 - self.p)

    def step(self, s_in: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return (s_in if mask is None else s_in * mask), mask
