"""What can be done to a weight before it is used: normalise, mask, quantise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bidl_sim.core.fields import Flag
from bidl_sim.core.param import Param
from bidl_sim.core.port import Signal
from bidl_sim.errors import ParameterError
from bidl_sim.processes.quantization import Grid
from bidl_sim.processes.synapses.rounded import RoundedSynapse
from bidl_sim.typing import Array, Shape, Value


class Mask(Param):
    """An array of nothing but 0 and 1, or of False and True."""

    def convert(self, where: str, value: ArrayLike | None) -> Array:
        if isinstance(value, np.ndarray) and value.dtype == bool:
            value = value.astype(np.float32)
        mask = super().convert(where, value)
        if mask is not None and not np.isin(mask, (0, 1)).all():
            other = mask[~np.isin(mask, (0, 1))][0]
            raise ParameterError(where, f"must hold nothing but 0 and 1, got {other:g}")
        return mask


class WeightedSynapse(RoundedSynapse, abstract=True):
    """Base of the synapses with a weight and a bias; the weight used is made of ``weight``.

    In this order, as far as each is asked for::

        w = gain weight / ||weight||     of each output, over all that adds up to it
        w = mask w
        w = quantize(w)                  and, on a Grid, the bias too

    Parameters
    ----------
    weight_norm : bool
        Learn length and direction of each output's weights apart.
    quantize : "int8", "int4", "float16", a Grid or (scale, bits)
        Use the nearest numbers of this format; gradients pass as if it were not there. ``int8`` and
        ``int4`` are whole numbers up to 127 or 7, times a scale for each output.
    gain : (outputs,), with weight_norm; the norm of ``weight`` unless given
    mask : of the weight's shape, 0 where there is no synapse and 1 elsewhere
    """

    weight: Param = Param(None, learned=True)
    bias: Param = Param(None, learned=True, optional=True)
    _: KW_ONLY
    weight_norm: Flag = Flag(False)
    gain: Param = Param(False, learned=True, optional=True)
    mask: Mask = Mask(False, learnable=False, optional=True)

    def __post_init__(self) -> None:
        if self.weight_norm:
            self.left_out.discard("gain")
        elif "gain" not in self.left_out:
            raise ParameterError(
                f"{self.where}, gain", "is given, but weight_norm is False", "set weight_norm=True"
            )
        super().__post_init__()

    @property
    def weight_shape(self) -> Shape:
        """The shape of the weight."""
        raise NotImplementedError

    @property
    def outputs(self) -> int:
        """How many outputs, or channels of them, have weights of their own."""
        return self.weight_shape[0]

    def by_output(self) -> tuple[Shape, Shape]:
        """Shapes in which to see the weight and one value for each output, to be multiplied."""
        shape = self.weight_shape
        return shape, (shape[0],) + (1,) * (len(shape) - 1)

    def parameter_shapes(self, signal: Signal | None) -> Mapping[str, Shape]:
        each = (self.outputs,)
        return {"weight": self.weight_shape, "bias": each, "gain": each, "mask": self.weight_shape}

    def check_parameters(self, signal: Signal | None) -> None:
        super().check_parameters(signal)
        given = self.parameters()
        if self.weight_norm and "weight" in given and not self._norms(self.weight).all():
            raise ParameterError(
                f"{self.where}, weight", "of an output is all zero, and so has no direction"
            )

    def initialise(self, name: str, shape: Shape, rng: np.random.Generator) -> Array:
        if name == "gain":
            return np.asarray(self._norms(self.weight)).reshape(shape)
        return (
            np.ones(shape, np.float32) if name == "mask" else super().initialise(name, shape, rng)
        )

    def weights(self) -> tuple[int, int]:
        used = self.effective_weight(self.parameters())
        return int(np.count_nonzero(used)), int(used.size)

    def full_weight(self, parameters: Mapping[str, Any]) -> Value:
        weight = parameters["weight"]
        if self.weight_norm:
            seen, each = self.by_output()
            scale = parameters["gain"].reshape(each) / self._norms(weight)
            weight = (weight.reshape(seen) * scale).reshape(weight.shape)
        if "mask" in parameters:
            weight = weight * parameters["mask"]
        return weight

    def effective_bias(self, parameters: Mapping[str, Any]) -> Value | None:
        """The bias that is used, or None."""
        bias = parameters.get("bias")
        return self.quantize(bias) if isinstance(self.quantize, Grid) and bias is not None else bias

    def bind_bias(self, parameters: Mapping[str, Any], training: bool) -> Value | None:
        """What a step gets as its bias."""
        return self.effective_bias(parameters)

    def settle(self) -> None:
        super().settle()
        self.weight_norm, self.gain = False, False

    @property
    def scale(self) -> Array | None:
        return None if self.weight_norm else super().scale

    @property
    def changed_by(self) -> tuple[str, ...]:
        used = {"weight_norm": self.weight_norm, "mask": "mask" not in self.left_out}
        return *super().changed_by, *(name for name, is_used in used.items() if is_used)

    def _norms(self, weight: Value) -> Value:
        """The norm of each output's weights, to be multiplied with `by_output`."""
        seen, each = self.by_output()
        axes = tuple(k for k, size in enumerate(each) if size == 1)
        return ((weight * weight).reshape(seen).sum(axes, keepdims=True)) ** 0.5
