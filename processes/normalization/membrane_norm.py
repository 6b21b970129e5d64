"""Batch normalisation of the membrane potential, inside the neuron."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Choice, Real
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.param import NON_NEGATIVE, Param
from bidl_sim.core.port import Signal
from bidl_sim.errors import ParameterError
from bidl_sim.typing import Array, Shape, Value

if TYPE_CHECKING:
    from torch import Tensor

NORM_PARAMETERS = ("norm_weight", "norm_bias", "norm_mean", "norm_var")


class MembraneNorm(Neuron, abstract=True):
    """Neurons whose potential may be normalised before the spike test.

    With ``norm="membrane"``, per channel and in every timestep::

        norm(u) = norm_weight (u - mean) / sqrt(var + eps) + norm_bias

    Outside training mean and var are the running statistics ``norm_mean`` and ``norm_var``, so the
    step stays elementwise. In training they are those of the batch in this step, and the running
    statistics, shared by all timesteps, move towards them by ``momentum``. Because it scales the
    carried potential too, it cannot be folded into the synapse; use `BatchNorm` for a normalisation
    that can.

    References
    ----------
    ``norm_state=True`` of BIDL's released layers.
    """

    _: KW_ONLY
    norm: Choice = Choice(("none", "membrane"), "none")
    eps: Real = Real(1e-5, positive=True)
    momentum: Real = Real(0.1, low=0.0, high=1.0)
    norm_weight: Param = Param(False, learned=True, optional=True)
    norm_bias: Param = Param(False, learned=True, optional=True)
    norm_mean: Param = Param(False, learnable=False, optional=True)
    norm_var: Param = Param(False, within=NON_NEGATIVE, learnable=False, optional=True)

    def __post_init__(self) -> None:
        if self.norm == "membrane":
            self.left_out.difference_update(NORM_PARAMETERS)
        elif given := [n for n in NORM_PARAMETERS if n not in self.left_out]:
            raise ParameterError(
                f"{self.where}, {given[0]}", "is given, but norm is 'none'", "set norm='membrane'"
            )
        super().__post_init__()

    def parameter_shapes(self, signal: Signal | None) -> Mapping[str, Shape]:
        shapes = super().parameter_shapes(signal)
        shape = signal.shape if signal else self.declared_shape
        if self.norm == "none" or shape is None:
            return shapes
        return {**shapes, **dict.fromkeys(NORM_PARAMETERS, shape[:1])}

    def initialise(self, name: str, shape: Shape, rng: np.random.Generator) -> Array:
        value = 1.0 if name in ("norm_weight", "norm_var") else 0.0
        return np.full(shape, value, np.float32)

    def bind_norm(
        self, parameters: Mapping[str, Tensor], training: bool
    ) -> Callable[[Value], Value]:
        """The function that a step calls on its potential."""
        if self.norm == "none":
            return lambda u: u
        weight, bias, mean, var = (parameters[name] for name in NORM_PARAMETERS)
        if not training:
            scale = weight / (var + self.eps) ** 0.5
            shift = bias - mean * scale
            return lambda u: u * scale + shift
        from torch.nn.functional import batch_norm

        flat = (mean.flatten(), var.flatten(), weight.flatten(), bias.flatten())
        return lambda u: batch_norm(u, *flat, True, self.momentum, self.eps)
