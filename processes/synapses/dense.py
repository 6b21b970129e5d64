"""All-to-all connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Int
from bidl_sim.core.forms import Matrix
from bidl_sim.core.param import Param
from bidl_sim.core.port import Signal
from bidl_sim.errors import ShapeError
from bidl_sim.processes.synapses.synapse import Synapse
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from torch import Tensor


class Dense(Synapse):
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

    in_features: Int = Int()
    out_features: Int = Int()
    weight: Param = Param(None, learned=True)
    bias: Param = Param(None, learned=True, optional=True)

    @property
    def inputs_per_output(self) -> int:
        return self.in_features

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        given = inputs.get("s_in", Signal((self.in_features,)))
        if given.shape != (self.in_features,):
            raise ShapeError(
                f"{self.where}, s_in",
                f"takes shape ({self.in_features},), receives {given.shape}",
                "put Flatten() before it" if len(given.shape) > 1 else "",
            )
        return {"a_out": Signal((self.out_features,), timed=given.timed)}

    def parameter_shapes(self, signal: Signal | None) -> Mapping[str, Shape]:
        return {"weight": (self.out_features, self.in_features), "bias": (self.out_features,)}

    def fan_out(self, signal: Signal) -> Array:
        return np.full(signal.shape, self.out_features)

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Matrix:
        return Matrix(parameters["weight"].T, parameters.get("bias"))

    def step(self, s_in: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        from torch.nn.functional import linear

        return linear(s_in, weight, bias)
