"""All-to-all connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.forms import Matrix
from bidl_sim.core.port import Signal
from bidl_sim.processes.synapses.synapse import FlatSynapse
from bidl_sim.processes.synapses.weights import WeightedSynapse
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from torch import Tensor


class Dense(WeightedSynapse, FlatSynapse):
    """Every input to every output: ``a_out = weight s_in + bias``.

    Parameters
    ----------
    in_features, out_features : int
    weight : (out_features, in_features)
    bias : (out_features,), or False for none
    weight_norm, quantize, gain, mask
        See `WeightedSynapse`.

    Ports
    -----
    s_in : (in_features,)
    a_out : (out_features,)
    """

    @property
    def inputs_per_output(self) -> int:
        return self.in_features

    @property
    def weight_shape(self) -> Shape:
        return self.out_features, self.in_features

    def fan_out(self, signal: Signal) -> Array:
        if "mask" in self.left_out:
            return np.full(signal.shape, self.out_features)
        driven: Array = self.mask.sum(0).astype(int)
        return driven

    def ends(self) -> tuple[Array, Array]:
        return np.arange(self.in_features)[None], np.arange(self.out_features)[:, None]

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Matrix:
        return Matrix(self.effective_weight(parameters).T, self.effective_bias(parameters))

    def step(self, s_in: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        from torch.nn.functional import linear

        if weight.dim() == 3:  # each sample has learned weights of its own
            self.check_plastic()
            product = (weight @ s_in.unsqueeze(2)).squeeze(2)
            return product if bias is None else product + bias
        return linear(s_in, weight, bias)
