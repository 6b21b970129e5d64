"""Small functions of tensors."""

from __future__ import annotations

import torch
from torch import Tensor


def diagonal_mask(dim: int, num_diagonals: int) -> Tensor:
    """A band matrix ``(dim, dim)``: 1 on ``num_diagonals`` diagonals around the middle, else 0.

    An even number has one more below the middle than above.
    """
    above = (num_diagonals - 1) // 2
    ones = torch.ones(dim, dim)
    return ones.triu(above + 1 - num_diagonals) * ones.tril(above)


def event_rate(x: Tensor) -> Tensor:
    """The share of values that are not zero; step 0 does not count if there are more.

    Without step 0, because a one-step delay leaves it empty.
    """
    later = x[..., 1:] if x.shape[-1] > 1 else x
    return (later != 0).float().mean()
