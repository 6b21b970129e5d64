"""Rounding to a grid, through which gradients pass as if it were not there."""

from __future__ import annotations

from torch import Tensor

from bidl_sim.core.intrinsics import floor, nearest, straight_through
from bidl_sim.engines.torch import intrinsics
from bidl_sim.errors import ParameterError
from bidl_sim.processes.quantization import Grid

assert intrinsics  # imported so that the functions take tensors

MODES = {"round": nearest, "floor": floor}


def quantize(x: Tensor, step: float = 1.0, mode: str = "round") -> Tensor:
    """The multiple of ``step`` that is nearest (half to even) or, with "floor", next below."""
    if mode not in MODES:
        raise ParameterError("quantize, mode", f"must be one of {tuple(MODES)}, got {mode!r}")
    grid: Tensor = straight_through(MODES[mode](x / step) * step, x)
    return grid


def quantize_hook_fx(
    x: Tensor, scale: int = 64, num_bits: int = 8, descale: bool = False
) -> Tensor:
    """Weights as even integers over ``scale``, from ``-2 2^num_bits`` to ``2 (2^num_bits - 1)``.

    With ``descale`` the integers themselves. Hand it to a block as ``pre_hook_fx``.
    """
    found: Tensor = Grid(scale, num_bits + 1)(x)
    return scale * found if descale else found
