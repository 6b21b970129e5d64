"""Squared error of firing rates."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from bidl_sim.trainers.losses.readout import (
    REDUCTIONS,
    check_choice,
    check_window,
    rate_over,
    squared_error,
    two_levels,
)


@dataclass(frozen=True)
class SpikeRate:
    """Squared error of firing rates: ``true_rate`` for the class, ``false_rate`` elsewhere.

    ``sum over classes of (rate - wanted)^2``

    Targets are class indices ``(batch,)``, with a window also ``(batch, time)``.

    Parameters
    ----------
    true_rate, false_rate : spikes per step
    window : steps, default 0
        Rates are means over the whole run (0), or in every step over the last ``window`` steps.
    reduction : "mean", "sum" or "none"
        Over everything: batch, steps and classes.

    References
    ----------
    Shrestha and Orchard, SLAYER, NeurIPS 2018.
    """

    true_rate: float = 0.9
    false_rate: float = 0.05
    window: int = 0
    reduction: str = "mean"

    def __post_init__(self) -> None:
        check_window(type(self).__name__, self.window)
        check_choice(f"{type(self).__name__}, reduction", self.reduction, REDUCTIONS)

    def __call__(self, output: Tensor, targets: Tensor) -> Tensor:
        rates = rate_over(output, self.window)
        wanted = two_levels(rates, targets, self.true_rate, self.false_rate)
        return squared_error(rates, wanted, self.reduction)


class MSERate(SpikeRate):
    """`SpikeRate`, under the name of what its default is: the mean squared error of rates."""
