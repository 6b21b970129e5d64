"""The intrinsics of a step on torch tensors; importing this module registers them."""

from __future__ import annotations

import torch
from torch import Tensor

from bidl_sim.core import intrinsics
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
