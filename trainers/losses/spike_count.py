"""Squared error of spike counts."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from bidl_sim.trainers.losses.readout import rate, squared_error, two_levels


@dataclass(frozen=True)
class SpikeCount:
    """Mean squared error of spike counts over the whole output, per class.

    Takes ``(batch, time, class)``, whose values are summed over time, or counts from `TimeSum`.
    """

    true_count: float = 10.0
    false_count: float = 1.0

    def __call__(self, output: Tensor, targets: Tensor) -> Tensor:
        steps = output.shape[1] if output.dim() == 3 else 1
        counts = steps * rate(output.float())
        wanted = two_levels(counts, targets, self.true_count, self.false_count)
        return squared_error(counts, wanted, "mean")
