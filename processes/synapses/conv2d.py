"""Convolution over height and width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Int, Pair
from bidl_sim.core.forms import Rows
from bidl_sim.core.param import Param
from bidl_sim.core.port import Signal
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.processes.synapses.rows import window_rows
from bidl_sim.processes.synapses.synapse import Synapse
from bidl_sim.processes.synapses.window import output_size, windows_over
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from torch import Tensor


class Conv2d(Synapse):
    """Cross-correlation with a kernel, as torch's ``conv2d``.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, dilation : int or (height, width)
    groups : int
        Channels are divided into this many independent convolutions.
    weight : (out_channels, in_channels / groups, kernel height, kernel width)
    bias : (out_channels,), or False for none

    Ports
    -----
    s_in : (in_channels, height, width)
    a_out : (out_channels, height', width')
    """

    in_channels: Int = Int()
    out_channels: Int = Int()
    kernel_size: Pair = Pair()
    stride: Pair = Pair(1)
    padding: Pair = Pair(0, low=0)
    dilation: Pair = Pair(1)
    groups: Int = Int(1)
    weight: Param = Param(None, learned=True)
    bias: Param = Param(None, learned=True, optional=True)

    def __post_init__(self) -> None:
        for name in ("in_channels", "out_channels"):
            channels = getattr(self, name)
            if channels % self.groups:
                raise ParameterError(
                    f"{self.where}, groups",
                    f"must divide {name}; {channels} is no multiple of {self.groups}",
                )
        super().__post_init__()

    @property
    def inputs_per_output(self) -> int:
        return self.in_channels // self.groups * self.kernel_size[0] * self.kernel_size[1]

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        given = inputs.get("s_in")
        if given is None:
            return None
        where = f"{self.where}, s_in"
        size = output_size(where, given, self.kernel_size, self.stride, self.padding, self.dilation)
        if given.shape[0] != self.in_channels:
            raise ShapeError(
                where, f"takes {self.in_channels} channels, receives shape {given.shape}"
            )
        return {"a_out": Signal((self.out_channels, *size), timed=given.timed)}

    def parameter_shapes(self, signal: Signal | None) -> Mapping[str, Shape]:
        weight = (self.out_channels, self.in_channels // self.groups, *self.kernel_size)
        return {"weight": weight, "bias": (self.out_channels,)}

    def fan_out(self, signal: Signal) -> Array:
        return self._driven(signal, np.ones(self.weight.shape, bool))

    def used_fan_out(self, signal: Signal) -> Array:
        return self._driven(signal, self.weight != 0)

    def _driven(self, signal: Signal, there: Array) -> Array:
        """How many outputs each input reaches through the weights that are ``there``."""
        rows, columns = (
            windows_over(signal.shape[1 + k], *(getattr(self, name)[k] for name in _WINDOW))
            for k in (0, 1)
        )
        grouped = there.reshape(self.groups, -1, *there.shape[1:]).sum(1)
        per_tap = grouped.reshape(self.in_channels, *self.kernel_size)
        reached: Array = np.einsum("ckl,kh,lw->chw", per_tap, rows, columns)
        return reached

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        window = (self.kernel_size, self.stride, self.padding, self.dilation)
        outputs = output_size(self.where, signal, *window)
        weight, bias = parameters["weight"], parameters.get("bias")
        rows = window_rows(self.where, signal, outputs, weight, *window[1:], groups=self.groups)
        if bias is None:
            return rows
        return replace(rows, constant=bias.repeat(outputs[0] * outputs[1]))

    def step(self, s_in: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        from torch.nn.functional import conv2d

        return conv2d(
            s_in, weight, bias, self.stride, self.padding, self.dilation, groups=self.groups
        )


_WINDOW = ("kernel_size", "stride", "padding", "dilation")
