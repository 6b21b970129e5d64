"""Centring and scaling by a power of two: the normalisation that is a bias and an exponent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Int, Real
from bidl_sim.core.forms import Rows
from bidl_sim.core.param import NON_NEGATIVE, Param
from bidl_sim.core.port import Signal
from bidl_sim.processes.normalization.mean_only import MeanOnlyBatchNorm
from bidl_sim.processes.synapses.rows import one_to_one
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from torch import Tensor


class WeightScaleBatchNorm(MeanOnlyBatchNorm):
    """Take away the mean of each channel and divide by a power of two near the deviation of all.

    ::

        a_out = (s_in - q(mean)) / 2^e,  e = ceil(log2 sqrt(var + eps)) within +- max_exponent

    with one ``var`` for all channels. On a chip, 2^-e is an exponent of the weights. The variance
    of a batch with n values per channel counts n / (n + 1) times towards the running one.

    Parameters
    ----------
    statistics, momentum, quantize, mean
        See `MeanOnlyBatchNorm`.
    eps : default 1e-5
    max_exponent : int in [0, 24], default 3
    var : one number, 0 unless given

    Ports
    -----
    s_in, a_out : (channel,) or (channel, height, width)

    References
    ----------
    ``WgtScaleBatchNorm`` of lava-dl.
    """

    eps: Real = Real(1e-5, positive=True)
    max_exponent: Int = Int(3, low=0, high=24)
    var: Param = Param(None, within=NON_NEGATIVE, learnable=False)

    def parameter_shapes(self, signal: Signal | None) -> Mapping[str, Shape]:
        return {**super().parameter_shapes(signal), "var": ()}

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        centred, exponent = super().event_form(parameters, signal), self.exponent(parameters["var"])
        assert centred.constant is not None
        scale = np.array([2.0**-exponent])
        return one_to_one(math.prod(signal.shape), scale, centred.constant * scale)

    def exponent(self, var: Array | Tensor | float) -> float:
        """The power of two for a variance."""
        exponent = math.ceil(math.log2(math.sqrt(float(var) + self.eps)))
        return min(max(exponent, -self.max_exponent), self.max_exponent)

    def step(self, s_in: Tensor, mean: Tensor, var: Tensor, training: bool) -> Tensor:  # type: ignore[override]  # found by name
        centred = super().step(s_in, mean, training)
        if training:
            of_batch = s_in.detach().var(unbiased=False)
            count = s_in[:, 0].numel()
            share = self.momentum * count / (count + 1)
            var.mul_(1 - self.momentum).add_(of_batch, alpha=share)
            var = of_batch
        scaled: Tensor = centred * 2.0 ** -self.exponent(var)
        return scaled
