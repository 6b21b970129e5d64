"""Negative log-likelihood of firing rates."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from bidl_sim.errors import ParameterError
from bidl_sim.trainers.losses.readout import (
    REDUCTIONS,
    check_choice,
    check_window,
    labels_for,
    rate_over,
)

MODES = ("probability", "softmax")


@dataclass(frozen=True)
class SpikeMax:
    """Negative log-likelihood of the class, from firing rates r of C classes.

    ``-log p`` with ``p = (r + eps / C) / (sum of r + eps)`` (probability) or ``softmax(r)``

    The smoothing keeps a class without spikes finite, and in silence every class has 1 / C.
    Where SLAYER's loss is finite it is this one, to the order of eps. Targets are class indices
    ``(batch,)``, with a window also ``(batch, time)``.

    Parameters
    ----------
    mode : "probability" or "softmax"
        A probability needs an output that is not negative.
    window : steps, default 0
        Rates are means over the whole run (0), or in every step over the last ``window`` steps.
    eps : spikes per step
        The gradient of a silent class goes as C / eps; 1 / steps, one spike, makes it gentle.
    reduction : "mean", "sum" or "none"

    References
    ----------
    Shrestha et al., Spikemax, IJCNN 2022.
    """

    mode: str = "probability"
    window: int = 0
    eps: float = 1e-6
    reduction: str = "mean"

    def __post_init__(self) -> None:
        check_window("SpikeMax", self.window)
        check_choice("SpikeMax, mode", self.mode, MODES)
        check_choice("SpikeMax, reduction", self.reduction, REDUCTIONS)
        if not self.eps > 0:
            raise ParameterError("SpikeMax, eps", f"must be > 0, got {self.eps}")

    def __call__(self, output: Tensor, targets: Tensor) -> Tensor:
        rates = rate_over(output, self.window)
        labels = labels_for(rates, targets)
        if self.mode == "softmax":
            log_p = rates.log_softmax(-1)
        else:
            total = rates.sum(-1, keepdim=True) + self.eps
            log_p = ((rates + self.eps / rates.shape[-1]) / total).log()
        loss = functional.nll_loss(log_p.flatten(0, -2), labels.flatten(), reduction=self.reduction)
        return loss.view_as(labels) if self.reduction == "none" else loss
