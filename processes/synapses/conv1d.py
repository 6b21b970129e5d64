"""Convolution over one axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Int
from bidl_sim.core.forms import Rows
from bidl_sim.core.port import Signal
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.processes.synapses.rows import window_rows
from bidl_sim.processes.synapses.synapse import Synapse
from bidl_sim.processes.synapses.weights import WeightedSynapse
from bidl_sim.processes.synapses.window import Pair, Taps, output_size, taps
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from torch import Tensor


class _Sizes(Synapse, abstract=True):
    """Stands first, so that sizes come before weights among the arguments."""

    in_channels: Int = Int()
    out_channels: Int = Int()
    kernel_size: Int = Int()
    stride: Int = Int(1)
    padding: Int = Int(0, low=0)
    dilation: Int = Int(1)
    groups: Int = Int(1)


class Conv1d(WeightedSynapse, _Sizes):
    """Cross-correlation with a kernel, as torch's ``conv1d``.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation : int
    groups : int
        Channels are divided into this many independent convolutions.
    weight : (out_channels, in_channels / groups, kernel_size)
    bias : (out_channels,), or False for none
    weight_norm, quantize, gain, mask
        See `WeightedSynapse`.

    Ports
    -----
    s_in : (in_channels, length)
    a_out : (out_channels, length')
    """

    def __post_init__(self) -> None:
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups:
                raise ParameterError(
                    f"{self.where}, groups", f"must divide {name}, {getattr(self, name)}"
                )
        super().__post_init__()

    @property
    def weight_shape(self) -> Shape:
        return self.out_channels, self.in_channels // self.groups, self.kernel_size

    @property
    def inputs_per_output(self) -> int:
        return self.in_channels // self.groups * self.kernel_size

    @property
    def window(self) -> tuple[Pair, Pair, Pair, Pair]:
        """Kernel, stride, padding and dilation, of an image one pixel high."""
        return (1, self.kernel_size), (1, self.stride), (0, self.padding), (1, self.dilation)

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        given = inputs.get("s_in")
        if given is None:
            return None
        where = f"{self.where}, s_in"
        if len(given.shape) != 2 or given.shape[0] != self.in_channels:
            raise ShapeError(
                where, f"takes ({self.in_channels}, length), receives shape {given.shape}"
            )
        length = output_size(where, image(given), *self.window)[1]
        return {"a_out": Signal((self.out_channels, length), timed=given.timed)}

    def taps(self, signal: Signal) -> tuple[Pair, tuple[Taps, Taps]]:
        """Height and length of the output, and what is connected along both."""
        size = output_size(self.where, image(signal), *self.window)
        return size, taps((1, signal.shape[1]), size, *self.window)

    def fan_out(self, signal: Signal) -> Array:
        mask = np.ones(self.weight_shape) if "mask" in self.left_out else self.mask
        return self._driven(signal, mask)

    def used_fan_out(self, signal: Signal) -> Array:
        return self._driven(signal, self.effective_weight(self.parameters()) != 0)

    def _driven(self, signal: Signal, mask: Array) -> Array:
        used = mask.astype(int).reshape(self.groups, -1, *self.weight_shape[1:])
        reached = np.zeros((signal.shape[1], self.kernel_size), int)
        _, (_, (source, _, tap)) = self.taps(signal)
        np.add.at(reached, (source, tap), 1)
        counts: Array = np.einsum("goik,xk->gix", used, reached)
        return counts.reshape(signal.shape)

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        size, both = self.taps(signal)
        weight = self.effective_weight(parameters)[:, :, None]
        rows = window_rows(self.where, image(signal), size, both, weight, self.groups)
        bias = self.effective_bias(parameters)
        return rows if bias is None else replace(rows, constant=bias.repeat(size[1]))

    def step(self, s_in: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        from torch.nn.functional import conv1d

        window = (self.stride, self.padding, self.dilation)
        return conv1d(s_in, weight, bias, *window, groups=self.groups)


def image(signal: Signal) -> Signal:
    """A signal as an image one pixel high."""
    return Signal((signal.shape[0], 1, signal.shape[1]), signal.dtype, signal.timed)
