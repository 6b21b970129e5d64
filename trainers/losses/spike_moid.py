"""Binary cross-entropy of firing rates, for several labels at once."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from bidl_sim.errors import DataError, ParameterError
from bidl_sim.trainers.losses.readout import (
    REDUCTIONS,
    check_choice,
    check_window,
    rate_over,
    two_levels,
)


@dataclass(frozen=True)
class SpikeMoid:
    """Binary cross-entropy of ``sigmoid((rate - theta) / alpha)``, class by class.

    Computed from the argument of the sigmoid, so that it stays finite where the sigmoid is 0 or 1.
    Targets are probabilities ``(batch, class)``, with a window also ``(batch, time, class)``; or
    class indices, which mean 1 for the class and 0 elsewhere.

    Parameters
    ----------
    alpha : > 0
        Width of the sigmoid.
    theta : spikes per step
        The rate that counts as one half.
    window : steps, default 0
        Rates are means over the whole run (0), or in every step over the last ``window`` steps.
    reduction : "mean", "sum" or "none"
    """

    alpha: float = 1.0
    theta: float = 0.0
    window: int = 0
    reduction: str = "mean"

    def __post_init__(self) -> None:
        check_window("SpikeMoid", self.window)
        check_choice("SpikeMoid, reduction", self.reduction, REDUCTIONS)
        if not self.alpha > 0:
            raise ParameterError("SpikeMoid, alpha", f"must be > 0, got {self.alpha}")

    def __call__(self, output: Tensor, targets: Tensor) -> Tensor:
        rates = rate_over(output, self.window)
        return functional.binary_cross_entropy_with_logits(
            (rates - self.theta) / self.alpha,
            _probabilities(rates, targets),
            reduction=self.reduction,
        )


def _probabilities(rates: Tensor, targets: Tensor) -> Tensor:
    if not targets.is_floating_point() and targets.shape != rates.shape:
        return two_levels(rates, targets, 1.0, 0.0)
    if rates.dim() == 3 and targets.dim() == 2:
        targets = targets[:, None].expand(-1, rates.shape[1], -1)
    if targets.shape != rates.shape:
        raise DataError(
            "targets",
            f"must be class indices, or probabilities of shape {tuple(rates.shape)}, "
            f"got {tuple(targets.shape)}",
        )
    if bool(((targets < 0) | (targets > 1)).any()):
        raise DataError("targets", "must be probabilities, in [0, 1]")
    return targets.to(rates)
