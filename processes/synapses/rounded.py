"""Synapses whose weights may be kept to numbers that take few bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any

import numpy as np

from bidl_sim.core import rounding
from bidl_sim.core.fields import Maybe
from bidl_sim.errors import ParameterError
from bidl_sim.processes.quantization import LEVELS, FewBits, Grid, in_format
from bidl_sim.processes.synapses.synapse import Synapse
from bidl_sim.typing import Array, Shape, Value

HIGHEST = 65504.0
"""The largest float16."""


class RoundedSynapse(Synapse, abstract=True):
    """Base of the synapses that hold a ``weight``, used as it is or rounded: ``quantize(weight)``.

    Parameters
    ----------
    quantize : "int8", "int4", "float16", a Grid or (scale, bits)
        Use the nearest weights of this format; gradients pass as if it were not there. ``int8`` and
        ``int4`` are whole numbers up to 127 or 7, times a scale for each output.
    """

    _: KW_ONLY
    quantize: Maybe[str | tuple[int, int], str | Grid] = Maybe(FewBits())

    def __post_init__(self) -> None:
        weight = self.parameters().get("weight")
        if self.quantize == "float16" and weight is not None and np.any(np.abs(weight) > HIGHEST):
            raise ParameterError(
                f"{self.where}, weight",
                f"reaches {np.abs(weight).max():g}, float16 ends at {HIGHEST:g}",
            )
        super().__post_init__()

    def by_output(self) -> tuple[Shape, Shape]:
        """Shapes in which to see the weight and one value for each output, to be multiplied.

        Here all weights are seen as those of one output.
        """
        shape = self.parameters()["weight"].shape
        return shape, (1,) * len(shape)

    @property
    def inner_axes(self) -> tuple[int, ...]:
        """The axes of a weight seen `by_output` along which all are of one output."""
        return tuple(axis for axis, size in enumerate(self.by_output()[1]) if size == 1)

    def full_weight(self, parameters: Mapping[str, Any]) -> Value:
        """The weight before it is rounded."""
        return parameters["weight"]

    def effective_weight(self, parameters: Mapping[str, Any]) -> Value:
        """The weight that is used, of parameters of numpy or torch."""
        return self.rounded(self.full_weight(parameters))

    def bind_weight(self, parameters: Mapping[str, Any], training: bool) -> Value:
        """What a step gets as its weight."""
        return self.effective_weight(parameters)

    def rounded(self, weight: Value) -> Value:
        """A weight in the numbers of ``quantize``."""
        if self.quantize is None or 0 in weight.shape:
            return weight
        if isinstance(self.quantize, Grid):
            return self.quantize(weight)
        seen = weight.reshape(self.by_output()[0])
        return in_format(seen, self.quantize, self.inner_axes).reshape(weight.shape)

    def settle(self) -> None:
        """Keep the weight that is used in the place of the one it is made of."""
        kept: Any = self
        used = self.effective_weight(self.parameters())
        kept.weight = np.asarray(used, np.float16 if self.quantize == "float16" else np.float32)

    @property
    def scale(self) -> Array | None:
        """What the weight is whole numbers of, in a shape to be multiplied; None if it is not."""
        weight = self.parameters().get("weight")
        if self.quantize not in LEVELS or weight is None or weight.dtype != np.float32:
            return None
        if not np.array_equal(self.rounded(weight), weight) or not weight.size:
            return None
        seen, _ = self.by_output()
        scale = rounding.scale_of(weight.reshape(seen), self.inner_axes, LEVELS[self.quantize])
        spread: Array = np.broadcast_to(scale, seen).reshape(weight.shape)
        for axis in range(spread.ndim):
            first = spread.take([0], axis)
            spread = first if np.all(spread == first) else spread
        return spread

    def check_plastic(self) -> None:
        """Refuse a rule that changes the weight, where more is made of it than is written."""
        for name in self.changed_by:
            raise ParameterError(
                f"{self.where}, {name}", "cannot be used with a rule that changes the weight"
            )

    @property
    def changed_by(self) -> tuple[str, ...]:
        """What makes another weight of the one that is written."""
        return ("quantize",) if self.quantize else ()
