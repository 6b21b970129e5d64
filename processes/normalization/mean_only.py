"""Centring: the normalisation that is a bias."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Real
from bidl_sim.core.forms import Rows
from bidl_sim.core.param import Param
from bidl_sim.core.port import Signal
from bidl_sim.processes.normalization.statistics import BatchStatistics
from bidl_sim.processes.quantization import Grid, OnGrid
from bidl_sim.processes.synapses.rows import one_to_one
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from torch import Tensor


class MeanOnlyBatchNorm(BatchStatistics):
    """Take away the mean of each channel: ``a_out = s_in - q(mean)``.

    On a chip it is the bias ``-q(mean)`` of the neurons.

    Parameters
    ----------
    statistics : "sequence" or "step"
        See `BatchNorm`.
    momentum : default 0.1
    quantize : Grid or (scale, bits), default (64, 8)
        The numbers q(mean) is one of; gradients pass as if it were any.
    mean
        One value per channel, zeros unless given.

    Ports
    -----
    s_in, a_out : (channel,) or (channel, height, width)

    References
    ----------
    Salimans and Kingma, Weight normalization, NeurIPS 2016; ``MeanOnlyBatchNorm`` of lava-dl.
    """

    momentum: Real = Real(0.1, low=0.0, high=1.0)
    quantize: OnGrid = OnGrid(Grid())
    mean: Param = Param(None, learnable=False)

    def initialise(self, name: str, shape: Shape, rng: np.random.Generator) -> Array:
        return np.zeros(shape, np.float32)

    def parameter_view(self, name: str, shape: Shape, signal: Signal) -> Shape:
        return shape and shape + (1,) * (len(signal.shape) - 1)

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        shift = -self.quantize(parameters["mean"])
        each = math.prod(signal.shape[1:])
        return one_to_one(math.prod(signal.shape), np.ones(1), shift.repeat(each))

    def step(self, s_in: Tensor, mean: Tensor, training: bool) -> Tensor:
        taken: Tensor = self.quantize(self.followed(s_in, mean) if training else mean)
        return s_in - taken

    def followed(self, s_in: Tensor, mean: Tensor) -> Tensor:
        """The mean of a batch, towards which the running one moves."""
        of_batch: Tensor = s_in.mean([0, *range(2, s_in.dim())]).view(mean.shape)
        mean.mul_(1 - self.momentum).add_(of_batch.detach(), alpha=self.momentum)
        return of_batch
