"""A factor and an offset for all values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Maybe
from bidl_sim.core.param import Param
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.processes.quantization import Grid, OnGrid
from bidl_sim.typing import Shape, Value


class Scale(Process):
    """The same factor and offset for all values: ``a_out = weight s_in + bias``.

    On a grid, where one is given::

        a_out = quantize(weight) quantize(s_in) + quantize(bias)

    Parameters
    ----------
    weight, bias : one number each, default 1, 0
    quantize : Grid or (scale, bits)
        The numbers that all three are rounded to; gradients pass as if they were not.

    Ports
    -----
    s_in, a_out : any shape

    References
    ----------
    The Input blocks of lava-dl.
    """

    weight: Param = Param(1.0)
    bias: Param = Param(0.0)
    _: KW_ONLY
    quantize: Maybe[tuple[int, int], Grid] = Maybe(OnGrid())

    s_in = In()
    a_out = Out()

    def parameter_shapes(self, signal: Signal | None) -> Mapping[str, Shape]:
        return {"weight": (), "bias": ()}

    def step(self, s_in: Value, weight: Value, bias: Value) -> Value:
        if self.quantize:
            s_in, weight, bias = (self.quantize(x) for x in (s_in, weight, bias))
        return s_in * weight + bias
