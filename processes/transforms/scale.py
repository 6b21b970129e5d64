"""Factors and offsets."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bidl_sim.core.fields import Maybe
from bidl_sim.core.param import Param, check_spread, spread_view
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.processes.quantization import Grid, OnGrid
from bidl_sim.typing import Shape, Value


class Scale(Process):
    """Every value times a factor, plus an offset: ``a_out = weight s_in + bias``.

    On a grid, where one is given::

        a_out = quantize(weight) quantize(s_in) + quantize(bias)

    Parameters
    ----------
    weight, bias : default 1, 0
        One number, one per channel or one per value.
    quantize : Grid or (scale, bits)
        The numbers that all three are rounded to; gradients pass as if they were not.

    Ports
    -----
    s_in, a_out : any shape

    References
    ----------
    The Input blocks of lava-dl; Scale of NIR.
    """

    weight: Param = Param(1.0)
    bias: Param = Param(0.0)
    _: KW_ONLY
    quantize: Maybe[tuple[int, int], Grid] = Maybe(OnGrid())

    s_in = In()
    a_out = Out()

    def check_parameters(self, signal: Signal | None) -> None:
        if signal is not None:
            for name, value in self.parameters().items():
                check_spread(f"{self.where}, {name}", value, signal.shape)

    def parameter_view(self, name: str, shape: Shape, signal: Signal) -> Shape:
        return spread_view(shape, signal.shape)

    def step(self, s_in: Value, weight: Value, bias: Value) -> Value:
        if self.quantize:
            s_in, weight, bias = (self.quantize(x) for x in (s_in, weight, bias))
        return s_in * weight + bias
