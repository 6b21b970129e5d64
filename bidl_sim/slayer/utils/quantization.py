"""Rounding to a grid, through which gradients pass as if it were not there."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bidl_sim.errors import ParameterError

MODES = {"round": torch.round, "floor": torch.floor}


def quantize(x: Tensor, step: float = 1.0, mode: str = "round") -> Tensor:
    """The multiple of ``step`` that is nearest (half to even) or, with "floor", next below."""
    if mode not in MODES:
        raise ParameterError("quantize, mode", f"must be one of {tuple(MODES)}, got {mode!r}")
    grid: Tensor = _Grid.apply(x, step, MODES[mode])  # type: ignore[no-untyped-call]
    return grid


def quantize_hook_fx(
    x: Tensor, scale: float = 64, num_bits: int = 8, descale: bool = False
) -> Tensor:
    """Weights as even integers over ``scale``, from ``-2 2^num_bits`` to ``2 (2^num_bits - 1)``.

    With ``descale`` the integers themselves. Hand it to a block as ``pre_hook_fx``.
    """
    largest = 2**num_bits
    found = quantize(x, 2 / scale).clamp(-2 * largest / scale, 2 * (largest - 1) / scale)
    return scale * found if descale else found


class _Grid(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, step: float, nearest: Any) -> Tensor:
        result: Tensor = nearest(x / step) * step
        return result

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, None, None]:
        return grad[0], None, None
