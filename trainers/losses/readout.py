"""What losses read from an output, and from targets."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bidl_sim.errors import DataError, ParameterError, ShapeError
from bidl_sim.trainers.filters import moving_average

REDUCTIONS = ("mean", "sum", "none")


def rate(output: Tensor) -> Tensor:
    """Mean over time, ``(batch, class)``; an aggregated output is taken as it is."""
    _check(output)
    return output.mean(1) if output.dim() == 3 else output


def last(output: Tensor) -> Tensor:
    """Value of the last step, ``(batch, class)``; an aggregated output is taken as it is."""
    _check(output)
    return output[:, -1] if output.dim() == 3 else output


def rate_over(output: Tensor, window: int) -> Tensor:
    """`rate` in float32; with a window the mean of that many last steps, in every step.

    A window gives ``(batch, time, class)``; before the first step there are zeros.
    """
    if not window:
        return rate(output).float()
    _check(output)
    if output.dim() == 2:
        raise ShapeError(
            "loss, window", "needs every step (batch, time, class), the output has no time axis"
        )
    return moving_average(output.float().transpose(1, 2), window).transpose(1, 2)


def labels_for(scores: Tensor, targets: Tensor) -> Tensor:
    """Targets as int64 class indices, one for each score vector; `DataError` if they are none.

    Scores are ``(batch, class)`` or ``(batch, time, class)``; with a time axis, targets may be
    ``(batch,)``, which holds in every step, or ``(batch, time)``.
    """
    fits = targets.shape in (scores.shape[:1], scores.shape[:-1])
    if not fits or targets.is_floating_point() or targets.is_complex():
        wanted = "(batch,)" if scores.dim() == 2 else "(batch,) or (batch, time)"
        raise DataError(
            "targets",
            f"must be class indices {wanted} of integers, got {targets.dtype} "
            f"of shape {tuple(targets.shape)} for an output of {tuple(scores.shape)}",
        )
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or high >= scores.shape[-1]:
        raise DataError(
            "targets",
            f"contain class {low if low < 0 else high}, "
            f"the output has classes 0 to {scores.shape[-1] - 1}",
            "number classes from 0, or widen the last layer",
        )
    missing = scores.dim() - 1 - targets.dim()
    return targets.long().reshape(targets.shape + (1,) * missing).expand(scores.shape[:-1])


def two_levels(scores: Tensor, targets: Tensor, true: float, false: float) -> Tensor:
    """``true`` for the class of each target, ``false`` elsewhere, in the shape of the scores."""
    wanted = torch.full_like(scores, false)
    return wanted.scatter(-1, labels_for(scores, targets)[..., None], true)


def squared_error(values: Tensor, wanted: Tensor, reduction: str) -> Tensor:
    """Squared differences, reduced."""
    return functional.mse_loss(values, wanted, reduction=reduction)


def check_choice(where: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a word that is not one of ``known``."""
    if value not in known:
        raise ParameterError(where, f"must be one of {known}, got {value!r}")


def check_window(where: str, window: int) -> None:
    """Refuse a negative number of steps."""
    if window < 0:
        raise ParameterError(f"{where}, window", f"must be >= 0 steps, got {window}")


def _check(output: Tensor) -> None:
    if output.dim() not in (2, 3):
        raise ShapeError(
            "loss",
            f"takes an output (batch, time, class) or (batch, class), got {tuple(output.shape)}",
        )
