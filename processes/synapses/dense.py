"""All-to-all connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.forms import Matrix
from bidl_sim.core.param import Param
from bidl_sim.core.port import Signal
from bidl_sim.processes.synapses.synapse import FlatSynapse
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from torch import Tensor


class Dense(FlatSynapse):
    """Every input to every output: ``a_out = weight s_in + bias``.

    Parameters
    ----------
    in_features, out_features : int
    weight : (out_features, in_features)
    bias : (out_features,), or False for none

    Ports
    -----
    s_in : (in_features,)
    a_out : (out_features,)
    """

    weight: Param = Param(None, learned=True)
    bias: Param = Param(None, learned=True, optional=True)

    @property
    def inputs_per_output(self) -> int:
        return self.in_features

    def parameter_shapes(self, signal: Signal | None) -> Mapping[str, Shape]:
        return {"weight": (self.out_features, self.in_features), "bias": (self.out_features,)}

    def fan_out(self, signal: Signal) -> Array:
        return np.full(signal.shape, self.out_features)

    def used_fan_out(self, signal: Signal) -> Array:
        used: Array = np.count_nonzero(self.weight, axis=0)
        return used

    def ends(self) -> tuple[Array, Array]:
        return np.arange(self.in_features)[None], np.arange(self.out_features)[:, None]

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Matrix:
        return Matrix(parameters["weight"].T, parameters.get("bias"))

    def step(self, s_in: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        from torch.nn.functional import linear

        if weight.dim() == 3:  # each sample has learned weights of its own
            product = (weight @ s_in.unsqueeze(2)).squeeze(2)
            return product if bias is None else product + bias
        return linear(s_in, weight, bias)
