"""Distance of spike trains."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from bidl_sim.errors import DataError
from bidl_sim.trainers.filters import convolve, exponential
from bidl_sim.trainers.losses.readout import REDUCTIONS, check_choice, squared_error


@dataclass(frozen=True)
class SpikeTime:
    """Van Rossum distance: the squared error of filtered spike trains.

    ``sum over neurons and steps of (e * s - e * wanted)^2`` with ``e[k] = exp(-k / time_constant)``

    Targets are the wanted spikes, in the shape of the output ``(batch, time, ...)``.

    Parameters
    ----------
    time_constant : steps
    length : steps
        How far the filter reaches back.
    filter_order : int
        How many times the filter is applied, within ``length``: 2 is close to an alpha function.
    reduction : "mean", "sum" or "none"

    References
    ----------
    van Rossum, A novel spike distance, Neural Computation 13 (2001). Shrestha and Orchard, SLAYER,
    NeurIPS 2018.
    """

    time_constant: float = 5.0
    length: int = 100
    filter_order: int = 1
    reduction: str = "mean"

    def __post_init__(self) -> None:
        exponential(self.time_constant, self.length, self.filter_order)  # refuses what is none
        check_choice("SpikeTime, reduction", self.reduction, REDUCTIONS)

    def __call__(self, output: Tensor, targets: Tensor) -> Tensor:
        if targets.shape != output.shape or output.dim() < 3:
            raise DataError(
                "targets",
                "must be spikes (batch, time, ...) in the shape of the output, got "
                f"{tuple(targets.shape)} for {tuple(output.shape)}",
            )
        response = exponential(self.time_constant, self.length, self.filter_order)
        difference = (output - targets.to(output)).float().movedim(1, -1)
        filtered = convolve(difference, response).movedim(-1, 1)
        return squared_error(filtered, filtered.new_zeros(()).expand_as(filtered), self.reduction)
