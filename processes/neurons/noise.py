"""Normal noise on the scale of a potential."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def gaussian_like(u: Tensor, uniform: Tensor) -> Tensor:
    """Normal numbers with the standard deviation of ``u``, made from uniform ones; no gradient.

    ``u`` is ``(batch, channel, height, width)``, each channel with a deviation of its own, or
    ``(batch, neurons)``, each sample with one.
    """
    import torch

    with torch.no_grad():
        axes = tuple(range(2 if u.ndim > 2 else 1, u.ndim))
        spread = u.std(axes, correction=0, keepdim=True)
        least = torch.finfo(uniform.dtype).eps / 2  # 0 and 1 have no finite counterpart
        wide = torch.promote_types(uniform.dtype, torch.float32)
        normal = torch.special.ndtri(uniform.to(wide).clamp(least, 1 - least))
        noise: Tensor = spread * normal.to(u.dtype)
    return noise
