"""Convolution that leads back from small images to large ones."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING

from bidl_sim.core.fields import Pair
from bidl_sim.core.port import Signal
from bidl_sim.errors import ParameterError
from bidl_sim.processes.synapses.convolution import Convolution
from bidl_sim.processes.synapses.window import Taps, taps, transposed, transposed_size
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from torch import Tensor


class ConvTranspose2d(Convolution):
    """Each value spreads the kernel, scaled, over its window: torch's ``conv_transpose2d``.

    The transpose of the linear map that `Conv2d` of the same options is; its output has
    ``(n - 1) stride - 2 padding + dilation (kernel - 1) + 1 + output_padding`` pixels a side.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, dilation : int or (height, width)
    groups : int
        Channels are divided into this many independent convolutions.
    weight : (in_channels, out_channels / groups, kernel height, kernel width)
    bias : (out_channels,), or False for none
    output_padding : int or (height, width), default 0, less than stride or dilation
        So many more rows and columns at the end.
    weight_norm, quantize, gain, mask
        See `WeightedSynapse`.

    Ports
    -----
    s_in : (in_channels, height, width)
    a_out : (out_channels, height', width')
    """

    _: KW_ONLY
    output_padding: Pair = Pair(0, low=0)

    def __post_init__(self) -> None:
        for more, stride, dilation in zip(
            self.output_padding, self.stride, self.dilation, strict=True
        ):
            if more >= max(stride, dilation):
                raise ParameterError(
                    f"{self.where}, output_padding",
                    f"must be less than stride or dilation, got {self.output_padding}",
                )
        super().__post_init__()

    @property
    def weight_shape(self) -> Shape:
        return self.in_channels, self.out_channels // self.groups, *self.kernel_size

    @property
    def outputs(self) -> int:
        return self.out_channels

    @property
    def inputs_per_output(self) -> int:
        """As torch counts them: those of the convolution this is the transpose of."""
        return self.out_channels // self.groups * self.kernel_size[0] * self.kernel_size[1]

    def by_output(self) -> tuple[Shape, Shape]:
        groups, outputs = self.groups, self.out_channels // self.groups
        inputs = self.in_channels // groups
        return (groups, inputs, outputs, *self.kernel_size), (groups, 1, outputs, 1, 1)

    def as_forward(self, weight: Array) -> Array:
        seen = weight.reshape(self.by_output()[0]).swapaxes(1, 2)
        return seen.reshape(self.out_channels, -1, *self.kernel_size)

    def output_size(self, where: str, signal: Signal) -> tuple[int, int]:
        window = (self.kernel_size, self.stride, self.padding, self.dilation)
        return transposed_size(where, signal, *window, self.output_padding)

    def taps(self, signal: Signal) -> tuple[Taps, Taps]:
        window = (self.kernel_size, self.stride, self.padding, self.dilation)
        size = self.output_size(self.where, signal)
        return transposed(taps(size, signal.shape[1:], *window))

    def step(self, s_in: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        from torch.nn.functional import conv_transpose2d

        more = self.output_padding
        return conv_transpose2d(
            s_in, weight, bias, self.stride, self.padding, more, self.groups, self.dilation
        )
