"""The layers of torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bidl_sim.core.process import Process
from bidl_sim.netx.modules.module import Module, Reader
from bidl_sim.processes import (
    Activation,
    AvgPool2d,
    BatchNorm,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    Dense,
    Dropout,
    Flatten,
    MaxPool2d,
    SumPool2d,
)


def _linear(m: Module) -> Process:
    weight = m.array("weight")
    return Dense(weight.shape[1], weight.shape[0], weight=weight, bias=_bias(m))


def _convolution(kind: Any, axes: int) -> Reader:
    def reader(m: Module) -> Process:
        m.plainly(padding_mode="zeros")
        t = m.torch
        sizes = [t.kernel_size, t.stride, _padding(m), t.dilation]
        sizes = [tuple(size) if axes == 2 else size[0] for size in sizes]
        more = {"output_padding": tuple(t.output_padding)} if kind is ConvTranspose2d else {}
        weight, bias = m.array("weight"), _bias(m)
        channels = (t.in_channels, t.out_channels)
        made: Process = kind(*channels, *sizes, t.groups, weight=weight, bias=bias, **more)
        return made

    return reader


def _padding(m: Module) -> tuple[int, ...]:
    """Zeros on both sides of each axis."""
    t = m.torch
    if not isinstance(t.padding, str):
        return tuple(t.padding)
    if t.padding == "valid":
        return (0,) * len(t.kernel_size)
    both = [d * (k - 1) for d, k in zip(t.dilation, t.kernel_size, strict=True)]
    if any(n % 2 for n in both):
        m.refuse("padding", f"'same' of the even kernel {tuple(t.kernel_size)} has unequal sides")
    return tuple(n // 2 for n in both)


def _bias(m: Module) -> Any:
    return False if m.torch.bias is None else m.array("bias")


def _avg_pool(m: Module) -> Process:
    t = m.torch
    m.plainly(ceil_mode=False)
    sizes = (t.kernel_size, t.stride, t.padding)
    if t.divisor_override is not None:
        return SumPool2d(*sizes, weight=1 / t.divisor_override)
    if np.any(np.asarray(t.padding) != 0):
        m.plainly(count_include_pad=True)
    return AvgPool2d(*sizes)


def _max_pool(m: Module) -> Process:
    m.plainly(ceil_mode=False, return_indices=False)
    if np.any(np.asarray(m.torch.dilation) != 1):
        m.plainly(dilation=1)
    return MaxPool2d(m.torch.kernel_size, m.torch.stride, m.torch.padding)


def sum_pool(m: Module) -> Process:
    """LPPool2d with p = 1."""
    m.plainly(norm_type=1, ceil_mode=False)
    return SumPool2d(m.torch.kernel_size, m.torch.stride)


def _adaptive_avg_pool(m: Module) -> Process:
    if m.shape is None:
        m.refuse("output_size", "needs the shape of its input, which is not known", "use AvgPool2d")
    given, wanted = m.shape[-2:], m.torch.output_size
    pair = wanted if isinstance(wanted, (tuple, list)) else (wanted, wanted)
    height, width = (g if w is None else w for g, w in zip(given, pair, strict=True))
    if given[0] % height or given[1] % width:
        m.refuse("output_size", f"{height} x {width} does not divide {given[0]} x {given[1]}")
    return AvgPool2d((given[0] // height, given[1] // width))


def _flatten(m: Module) -> Process:
    start, end = m.torch.start_dim, m.torch.end_dim
    if start == 0 or end == 0:
        m.refuse("start_dim", "takes in the batch axis", "use 1")
    return Flatten(*(dim - 1 if dim > 0 else dim for dim in (start, end)))


def _batch_norm(m: Module) -> Process:
    m.plainly(track_running_stats=True)
    t = m.torch
    if t.momentum is None:
        m.refuse("momentum", "is None, a mean over all batches; no process does", "use a number")
    mean, var = m.array("running_mean"), m.array("running_var")
    weight, bias = np.ones_like(mean), np.zeros_like(mean)
    if t.affine:
        weight, bias = m.array("weight"), m.array("bias")
    return BatchNorm(eps=t.eps, momentum=t.momentum, weight=weight, bias=bias, mean=mean, var=var)


def _activation(function: str) -> Reader:
    return lambda m: Activation(function)


LAYERS: Mapping[str, Reader] = {
    "AdaptiveAvgPool2d": _adaptive_avg_pool,
    "AvgPool2d": _avg_pool,
    "BatchNorm1d": _batch_norm,
    "BatchNorm2d": _batch_norm,
    "Conv1d": _convolution(Conv1d, 1),
    "Conv2d": _convolution(Conv2d, 2),
    "ConvTranspose2d": _convolution(ConvTranspose2d, 2),
    "Dropout": lambda m: Dropout(m.torch.p),
    "Flatten": _flatten,
    "Identity": lambda m: None,
    "LPPool2d": sum_pool,
    "Linear": _linear,
    "MaxPool2d": _max_pool,
    "ReLU": _activation("relu"),
    "Sigmoid": _activation("sigmoid"),
    "Tanh": _activation("tanh"),
}
"""By name of the class."""
