"""The spike function on tensors: a step forward, a surrogate's bump backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bidl_sim.core.surrogate import SURROGATES, Surrogate
from bidl_sim.engines.torch import intrinsics

assert intrinsics  # imported to register the tensor versions that the surrogates call

SPIKES = ("hard", "smooth")


class _Fire(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, surrogate: Surrogate, width: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.surrogate, ctx.width = surrogate, width
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        bump = ctx.surrogate.derivative(x, ctx.width)
        return (grad[0] * bump).to(x.dtype), None, None


def spike_function(name: str, width: float, spikes: str = "hard") -> Callable[[Tensor], Tensor]:
    """``fire(x)``: 1 where x > 0, else 0, with the gradient of the named surrogate.

    ``spikes="smooth"`` returns the surrogate's integral instead, which makes the whole network
    differentiable, so that its gradient can be held against finite differences.
    """
    surrogate = SURROGATES[name]
    if spikes == "smooth":
        return lambda x: surrogate.primitive(x, width)

    def fire(x: Tensor) -> Tensor:
        if torch.is_grad_enabled() and x.requires_grad:
            return _Fire.apply(x, surrogate, width)  # type: ignore[no-any-return,no-untyped-call]
        return (x > 0).to(x.dtype)

    return fire
