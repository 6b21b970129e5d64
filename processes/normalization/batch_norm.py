"""Batch normalisation of what a synapse sends, before it reaches the neuron."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Real
from bidl_sim.core.forms import Rows
from bidl_sim.core.param import NON_NEGATIVE, Param
from bidl_sim.core.port import Signal
from bidl_sim.processes.normalization.statistics import BatchStatistics
from bidl_sim.processes.synapses.rows import one_to_one
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from torch import Tensor


class BatchNorm(BatchStatistics):
    """Normalise each channel: ``a_out = weight (s_in - mean) / sqrt(var + eps) + bias``.

    Parameters
    ----------
    statistics : "sequence" or "step"
        What mean and var are taken over in training: batch and time (and space) together, or the
        batch of one timestep, which a loop needs. Outside training the running statistics are
        used, which move towards the batch's by ``momentum``.
    weight, bias, mean, var
        One value per channel; ones, zeros, zeros and ones unless given.

    Ports
    -----
    s_in, a_out : (channel,) or (channel, height, width)

    References
    ----------
    Ioffe and Szegedy, 2015; over time as well: Zheng et al., tdBN, AAAI 2021.
    """

    eps: Real = Real(1e-5, positive=True)
    momentum: Real = Real(0.1, low=0.0, high=1.0)
    weight: Param = Param(None, learned=True)
    bias: Param = Param(None, learned=True)
    mean: Param = Param(None, learnable=False)
    var: Param = Param(None, within=NON_NEGATIVE, learnable=False)

    def initialise(self, name: str, shape: Shape, rng: np.random.Generator) -> Array:
        return np.full(shape, 1.0 if name in ("weight", "var") else 0.0, np.float32)

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        scale = parameters["weight"] / np.sqrt(parameters["var"] + self.eps)
        shift = parameters["bias"] - parameters["mean"] * scale
        each = math.prod(signal.shape[1:])
        return one_to_one(math.prod(signal.shape), scale.repeat(each), shift.repeat(each))

    def step(
        self,
        s_in: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        var: Tensor,
        training: bool,
    ) -> Tensor:
        from torch.nn.functional import batch_norm

        return batch_norm(s_in, mean, var, weight, bias, training, self.momentum, self.eps)
