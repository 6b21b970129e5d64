"""Losses on the output of a network, and a regulariser on its firing rates.

An output is ``(batch, time, class)``, or ``(batch, class)`` after a temporal aggregation; targets
are class indices ``(batch,)``. Each loss is a dataclass, so that a configuration can name it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bidl_sim.errors import DataError, ParameterError, ShapeError

READOUTS = ("rate", "last")


def rate(output: Tensor) -> Tensor:
    """Mean over time, ``(batch, class)``; an aggregated output is taken as it is."""
    _check(output)
    return output.mean(1) if output.dim() == 3 else output


def last(output: Tensor) -> Tensor:
    """Value of the last step, ``(batch, class)``; an aggregated output is taken as it is."""
    _check(output)
    return output[:, -1] if output.dim() == 3 else output


def _check(output: Tensor) -> None:
    if output.dim() not in (2, 3):
        raise ShapeError(
            "loss",
            f"takes an output (batch, time, class) or (batch, class), got {tuple(output.shape)}",
        )


def class_indices(targets: Tensor, classes: int) -> Tensor:
    """Targets as int64 class indices ``(batch,)``; `DataError` if they are none."""
    if targets.dim() != 1 or targets.is_floating_point() or targets.is_complex():
        raise DataError(
            "targets",
            f"must be class indices (batch,) of integers, got {targets.dtype} "
            f"of shape {tuple(targets.shape)}",
        )
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or high >= classes:
        raise DataError(
            "targets",
            f"contain class {low if low < 0 else high}, the output has classes 0 to {classes - 1}",
            "number classes from 0, or widen the last layer",
        )
    return targets.long()


def _one_hot(targets: Tensor, like: Tensor, true: float, false: float) -> Tensor:
    wanted = torch.full_like(like, false)
    return wanted.scatter(1, class_indices(targets, like.shape[1])[:, None], true)


@dataclass(frozen=True)
class CrossEntropy:
    """Cross-entropy of softmax(scores); targets may also be probabilities ``(batch, class)``.

    Parameters
    ----------
    on : "rate" or "last"
        Scores are the mean over time, or the value of the last step.
    label_smoothing : in [0, 1)
    """

    on: str = "rate"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if self.on not in READOUTS:
            raise ParameterError("CrossEntropy, on", f"must be one of {READOUTS}, got {self.on!r}")

    def __call__(self, output: Tensor, targets: Tensor) -> Tensor:
        scores = rate(output) if self.on == "rate" else last(output)
        if not (targets.is_floating_point() and targets.shape == scores.shape):
            targets = class_indices(targets, scores.shape[1])
        return functional.cross_entropy(
            scores.float(), targets, label_smoothing=self.label_smoothing
        )


@dataclass(frozen=True)
class MSERate:
    """Mean squared error of firing rates: ``true_rate`` for the class, ``false_rate`` elsewhere.

    References
    ----------
    SpikeRate of SLAYER, Shrestha and Orchard, NeurIPS 2018.
    """

    true_rate: float = 0.9
    false_rate: float = 0.05

    def __call__(self, output: Tensor, targets: Tensor) -> Tensor:
        rates = rate(output).float()
        wanted = _one_hot(targets, rates, self.true_rate, self.false_rate)
        return functional.mse_loss(rates, wanted)


@dataclass(frozen=True)
class SpikeCount:
    """Mean squared error of spike counts over the whole output, per class.

    Takes ``(batch, time, class)``, whose values are summed over time, or counts from `TimeSum`.
    """

    true_count: float = 10.0
    false_count: float = 1.0

    def __call__(self, output: Tensor, targets: Tensor) -> Tensor:
        _check(output)
        counts = (output.sum(1) if output.dim() == 3 else output).float()
        wanted = _one_hot(targets, counts, self.true_count, self.false_count)
        return functional.mse_loss(counts, wanted)


@dataclass(frozen=True)
class FiringRate:
    """Keeps mean firing rates in a band.

    ``weight mean_over_layers(relu(r - high)^2 + relu(low - r)^2)``

    ``r`` is the mean of a layer's output over batch, time and neurons. Applies to every neuron
    population unless ``ports`` names some (``lif1.s_out``).
    """

    weight: float = 0.0
    low: float = 0.0
    high: float = 0.2
    ports: tuple[str, ...] = ()

    def __call__(self, recorded: Mapping[str, Tensor]) -> Tensor:
        rates = torch.stack([values.float().mean() for values in recorded.values()])
        excess = functional.relu(rates - self.high) ** 2 + functional.relu(self.low - rates) ** 2
        return self.weight * excess.mean()


LOSSES = {kind.__name__: kind for kind in (CrossEntropy, MSERate, SpikeCount)}
"""What a configuration can name as ``type`` of a loss."""
