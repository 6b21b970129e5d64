"""Learned parameters that stay within their domain."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bidl_sim.core.param import Domain


class _Constrained(torch.autograd.Function):
    """Clamp forward; backward, at a bound, only a gradient that leads inside passes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, low: float, high: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.low, ctx.high = low, high
        return x.clamp(low, high)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        leads_out = ((x <= ctx.low) & (grad[0] > 0)) | ((x >= ctx.high) & (grad[0] < 0))
        return grad[0].masked_fill(leads_out, 0.0), None, None


def constrained(x: Tensor, domain: Domain) -> Tensor:
    """``x`` within its domain: projected gradient descent.

    A value inside is used bit for bit as it is stored, so that the trained number, the exported
    one and the simulated one are the same; a reparametrisation by sigmoid or softplus would round.
    """
    low, high = domain.closed
    if domain == Domain():
        return x
    return _Constrained.apply(x, low, high)  # type: ignore[no-any-return,no-untyped-call]
