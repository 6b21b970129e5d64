"""A regulariser that keeps layers active, but not too much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bidl_sim.trainers.losses.readout import check_choice

REDUCTIONS = ("mean", "sum")


@dataclass(frozen=True)
class FiringRate:
    """Keeps mean firing rates in a band.

    ``weight mean_over_layers(relu(r - high)^2 + relu(low - r)^2)``

    ``r`` is the mean size of a layer's output over batch, time and neurons: for spikes, the rate
    per step; a negative value counts as much as a positive one. With ``low=0`` and
    ``reduction="sum"`` this is the event-rate loss (sparsity enforcer) of SLAYER.

    Parameters
    ----------
    weight : 0 for no regulariser
    low, high : spikes per step and neuron
    ports
        What is kept in the band (``lif1.s_out``); every neuron population when left out.
    reduction : "mean" or "sum"
        Over layers.
    """

    weight: float = 0.0
    low: float = 0.0
    high: float = 0.2
    ports: tuple[str, ...] = ()
    reduction: str = "mean"

    def __post_init__(self) -> None:
        check_choice("FiringRate, reduction", self.reduction, REDUCTIONS)

    def __call__(self, recorded: Mapping[str, Tensor]) -> Tensor:
        rates = torch.stack([values.float().abs().mean() for values in recorded.values()])
        excess = functional.relu(rates - self.high) ** 2 + functional.relu(self.low - rates) ** 2
        return self.weight * (excess.sum() if self.reduction == "sum" else excess.mean())
