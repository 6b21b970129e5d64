"""The blocks of lava-dl without recurrence, for any family of neurons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.processes import Conv2d, ConvTranspose2d, SumPool2d, Unpool2d
from bidl_sim.processes import Dense as DenseSynapse
from bidl_sim.processes.quantization import Grid
from bidl_sim.slayer.block.block import Block
from bidl_sim.typing import Array, Shape

Params = Mapping[str, Any]
Size = Any
"""A number, or (height, width)."""


class Weighted(Block):
    """Base of the blocks with weights: ``synapse`` makes one, drawn as torch draws a layer's.

    Parameters
    ----------
    neuron_params
    weight_scale : default 1
        Times what torch's layers begin with.
    weight_norm : bool
        Learn length and direction of each output's weights apart.
    pre_hook_fx : Grid, default that of 8 bits
        The numbers that weights are rounded to; False for none.
    delay, delay_shift, mask, count_log
        See `Block`; ``mask`` is 0 where there is no synapse.
    """

    def __init__(
        self,
        neuron_params: Params,
        weight_scale: float,
        weight_norm: bool,
        pre_hook_fx: Any,
        delay: bool,
        delay_shift: bool,
        mask: Any,
        count_log: bool,
    ) -> None:
        super().__init__(neuron_params, delay, delay_shift, count_log)
        if pre_hook_fx not in (None, False) and not isinstance(pre_hook_fx, Grid):
            raise ParameterError(
                f"{type(self).__name__}, pre_hook_fx",
                f"must be a Grid, None for that of 8 bits, or False, got {pre_hook_fx!r}",
                "describe the numbers by bidl_sim.processes.Grid(scale, bits)",
            )
        grid = Grid(self.neuron_params.get("scale", 64), 8) if pre_hook_fx is None else pre_hook_fx
        shaped = {} if mask is None else {"mask": mask}
        self.options: dict[str, Any] = {
            "bias": False,
            "weight_norm": weight_norm,
            "quantize": grid or None,
            **shaped,
        }
        self.weight_scale = weight_scale

    def drawn(self, name: str, shape: Shape, inputs: int) -> Array:
        """First weights of the synapse of this name."""
        if name not in self.first:
            bound = 1 / math.sqrt(inputs)
            weight = torch.empty(shape).uniform_(-bound, bound) * self.weight_scale
            self.first[name] = weight.numpy()
        return self.first[name]


class Dense(Weighted):
    """All to all: ``(batch, in, time)`` to ``(batch, out, time)``.

    Parameters
    ----------
    neuron_params
    in_neurons : int, or the shape (channel, height, width) of what arrives
    out_neurons : int
    weight_scale, weight_norm, pre_hook_fx, delay, delay_shift, mask, count_log
        See `Weighted`.
    """

    file_type = "dense"

    def __init__(
        self,
        neuron_params: Params,
        in_neurons: Any,
        out_neurons: int,
        weight_scale: float = 1,
        weight_norm: bool = False,
        pre_hook_fx: Any = None,
        delay: bool = False,
        delay_shift: bool | None = None,
        mask: Any = None,
        count_log: bool = False,
    ) -> None:
        shift = self.family.shifts if delay_shift is None else delay_shift
        super().__init__(
            neuron_params, weight_scale, weight_norm, pre_hook_fx, delay, shift, mask, count_log
        )
        shape = in_neurons if isinstance(in_neurons, (tuple, list)) else (in_neurons,)
        self.in_neurons, self.out_neurons = math.prod(shape), out_neurons
        self.prepare((self.in_neurons,))

    def channels_of(self, shape: Shape) -> int:
        return self.out_neurons

    def forward(self, x: Tensor) -> Any:
        return super().forward(x.flatten(1, -2) if x.dim() > 3 else x)

    def make_synapse(self, name: str) -> Process:
        shape = (self.out_neurons, self.in_neurons)
        weight = self.drawn(name, shape, self.in_neurons)
        return DenseSynapse(self.in_neurons, self.out_neurons, weight=weight, **self.options)

    def build(self, shape: Shape, channels: int | None) -> Network:
        return self.assembled(shape, channels, self.make_synapse)


class Conv(Weighted):
    """Convolution: ``(batch, in, height, width, time)`` to ``(batch, out, height', width', time)``.

    Parameters
    ----------
    neuron_params
    in_features, out_features : int
        Channels.
    kernel_size, stride, padding, dilation : int or (height, width)
    groups : int
    weight_scale, weight_norm, pre_hook_fx, delay, delay_shift, count_log
        See `Weighted`.
    """

    file_type = "conv"
    process: Any = Conv2d

    def __init__(
        self,
        neuron_params: Params,
        in_features: int,
        out_features: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        dilation: Size = 1,
        groups: int = 1,
        weight_scale: float = 1,
        weight_norm: bool = False,
        pre_hook_fx: Any = None,
        delay: bool = False,
        delay_shift: bool | None = None,
        count_log: bool = False,
    ) -> None:
        shift = self.family.shifts if delay_shift is None else delay_shift
        super().__init__(
            neuron_params, weight_scale, weight_norm, pre_hook_fx, delay, shift, None, count_log
        )
        self.in_features, self.out_features = in_features, out_features
        self.window: dict[str, Any] = {
            "kernel_size": pair(kernel_size),
            "stride": pair(stride),
            "padding": pair(padding),
            "dilation": pair(dilation),
            "groups": groups,
        }
        height, width = (
            (k - 1) * d + 1
            for k, d in zip(self.window["kernel_size"], self.window["dilation"], strict=True)
        )
        self.prepare((in_features, height, width))

    def channels_of(self, shape: Shape) -> int:
        return self.out_features

    def make_synapse(self, name: str) -> Process:
        made = self.process(self.in_features, self.out_features, **self.window, **self.options)
        made.weight = self.drawn(name, made.weight_shape, math.prod(made.weight_shape[1:]))
        return made  # type: ignore[no-any-return]

    def build(self, shape: Shape, channels: int | None) -> Network:
        return self.assembled(shape, channels, self.make_synapse)


class ConvT(Conv):
    """Transposed convolution; see `Conv`."""

    file_type = "convT"
    process = ConvTranspose2d


class Pool(Block):
    """The sum of each window times a fixed weight; height and width are padded to whole windows.

    Parameters
    ----------
    neuron_params
    kernel_size, stride : int or (height, width), stride default kernel_size
    padding : int or (height, width)
    weight_scale : the weight, rounded to 8 bits
    delay, delay_shift, count_log
        See `Block`.
    """

    file_type = "pool"
    process: Any = SumPool2d

    def __init__(
        self,
        neuron_params: Params,
        kernel_size: Size,
        stride: Size = None,
        padding: Size = 0,
        dilation: Size = 1,
        weight_scale: float = 1,
        weight_norm: bool = False,
        pre_hook_fx: Any = None,
        delay: bool = False,
        delay_shift: bool | None = None,
        count_log: bool = False,
    ) -> None:
        shift = self.family.shifts if delay_shift is None else delay_shift
        super().__init__(neuron_params, delay, shift, count_log)
        if pair(dilation) != (1, 1) or weight_norm or pre_hook_fx is not None:
            raise ParameterError(
                type(self).__name__,
                "has one fixed weight and no dilation: weight_norm, pre_hook_fx and dilation "
                "mean nothing",
                "leave them out",
            )
        self.kernel_size = pair(kernel_size)
        self.stride = self.kernel_size if stride is None else pair(stride)
        self.padding = pair(padding)
        grid = Grid(self.neuron_params.get("scale", 64), 8)
        self.weight = float(grid(torch.tensor(float(weight_scale), dtype=torch.float64)))
        self.prepare((1, *self.kernel_size), provisional=True)

    def make_synapse(self, name: str) -> Process:
        return self.process(  # type: ignore[no-any-return]
            self.kernel_size, self.stride, self.padding, weight=self.weight
        )

    def build(self, shape: Shape, channels: int | None) -> Network:
        return self.assembled(shape, channels, self.make_synapse)

    def forward(self, x: Tensor) -> Any:
        return super().forward(self.whole(x))

    def whole(self, x: Tensor) -> Tensor:
        """Height and width filled up with zeros to whole windows."""
        if self.stride != self.kernel_size or self.padding != (0, 0):
            return x
        height, width = (-n % k for n, k in zip(x.shape[2:4], self.kernel_size, strict=True))
        return torch.nn.functional.pad(x, (0, 0, 0, width, 0, height)) if height or width else x


class Unpool(Pool):
    """Each value, times a fixed weight, to its whole window; see `Pool`."""

    file_type = "unpool"
    process = Unpool2d

    def whole(self, x: Tensor) -> Tensor:
        return x


def pair(value: Any) -> tuple[int, int]:
    """(height, width) of one number or two."""
    if isinstance(value, (tuple, list)):
        height, width = value
        return int(height), int(width)
    return int(value), int(value)
