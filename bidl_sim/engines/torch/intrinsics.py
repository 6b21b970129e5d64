"""What a step and rounding take from core, on torch tensors; importing this registers it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from bidl_sim.core import intrinsics, rounding
from bidl_sim.typing import Value


@intrinsics.exp.register(Tensor)
def _exp(x: Tensor) -> Tensor:
    return x.exp()


@intrinsics.arctan.register(Tensor)
def _arctan(x: Tensor) -> Tensor:
    return x.arctan()


@intrinsics.tanh.register(Tensor)
def _tanh(x: Tensor) -> Tensor:
    return x.tanh()


@intrinsics.erf.register(Tensor)
def _erf(x: Tensor) -> Tensor:
    return x.erf()


@intrinsics.where.register(Tensor)
def _where(condition: Tensor, x: Value, y: Value) -> Tensor:
    return torch.where(condition, x, y)


@intrinsics.maximum.register(Tensor)
def _maximum(x: Tensor, y: Value) -> Tensor:
    return torch.maximum(x, y) if isinstance(y, Tensor) else x.clamp(min=y)


@intrinsics.minimum.register(Tensor)
def _minimum(x: Tensor, y: Value) -> Tensor:
    return torch.minimum(x, y) if isinstance(y, Tensor) else x.clamp(max=y)


@intrinsics.detach.register(Tensor)
def _detach(x: Tensor) -> Tensor:
    return x.detach()


@intrinsics.floor.register(Tensor)
def _floor(x: Tensor) -> Tensor:
    return x.detach().floor()


@intrinsics.nearest.register(Tensor)
def _nearest(x: Tensor) -> Tensor:
    return x.detach().round()


@intrinsics.integer.register(Tensor)
def _integer(x: Tensor) -> Tensor:
    return x.detach().to(torch.int64)


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, smooth: Tensor) -> Tensor:
        return value.to(smooth.dtype, copy=True)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[None, Tensor]:
        return None, grad[0]


@intrinsics.straight_through.register(Tensor)
def _straight_through(value: Tensor, smooth: Value) -> Tensor:
    if not isinstance(smooth, Tensor):
        return value.detach()
    shape = np.broadcast_shapes(value.shape, smooth.shape)
    value, like = value.detach().expand(shape), smooth.expand(shape)
    if not (torch.is_grad_enabled() and smooth.requires_grad):
        return value.to(smooth.dtype)
    return _StraightThrough.apply(value, like)  # type: ignore[no-any-return,no-untyped-call]


@rounding.scale_of.register(Tensor)
def _scale_of(x: Tensor, axes: tuple[int, ...], most: int) -> Tensor:
    largest = x.detach().abs().amax(axes, keepdim=True).float()
    bits = (largest / most).view(torch.int32) + rounding.LAST_BITS // 2 + 1
    return (bits & ~rounding.LAST_BITS).view(torch.float32).clamp(min=rounding.TINY)


@rounding.half.register(Tensor)
def _half(x: Tensor) -> Tensor:
    return x.detach().half().to(x.dtype)
