"""Convolution over height and width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bidl_sim.core.port import Signal
from bidl_sim.processes.synapses.convolution import Convolution
from bidl_sim.processes.synapses.window import Pair, Taps, output_size, taps
from bidl_sim.typing import Shape

if TYPE_CHECKING:
    from torch import Tensor


class Conv2d(Convolution):
    """Cross-correlation with a kernel, as torch's ``conv2d``.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, dilation : int or (height, width)
    groups : int
        Channels are divided into this many independent convolutions.
    weight : (out_channels, in_channels / groups, kernel height, kernel width)
    bias : (out_channels,), or False for none
    weight_norm, quantize, gain, mask
        See `WeightedSynapse`.

    Ports
    -----
    s_in : (in_channels, height, width)
    a_out : (out_channels, height', width')
    """

    @property
    def weight_shape(self) -> Shape:
        return self.out_channels, self.in_channels // self.groups, *self.kernel_size

    @property
    def inputs_per_output(self) -> int:
        return self.in_channels // self.groups * self.kernel_size[0] * self.kernel_size[1]

    def output_size(self, where: str, signal: Signal) -> Pair:
        window = (self.kernel_size, self.stride, self.padding, self.dilation)
        return output_size(where, signal, *window)

    def taps(self, signal: Signal) -> tuple[Taps, Taps]:
        window = (self.kernel_size, self.stride, self.padding, self.dilation)
        return taps(signal.shape[1:], self.output_size(self.where, signal), *window)

    def step(self, s_in: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        from torch.nn.functional import conv2d

        return conv2d(
            s_in, weight, bias, self.stride, self.padding, self.dilation, groups=self.groups
        )
