"""Random changes of frames: deformation, the same in all timesteps, and lost events."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bidl_sim.errors import ParameterError, ShapeError


@dataclass(frozen=True)
class Augment:
    """Moves, turns and stretches each sample of a batch at random; zeros come in from outside.

    Parameters
    ----------
    shift : pixels
    rotate : degrees
    scale, shear : fractions
    elastic : pixels
        Size of a smooth random displacement field.
    drop : in [0, 1)
        Each sample loses a fraction of its events, uniform between 0 and this.

    All are the largest size either way; 0 switches one off. Applied to ``(batch, time, channel,
    height, width)``, in training only.
    """

    shift: float = 0.0
    rotate: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0
    drop: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 0:
                raise ParameterError(f"augment, {name}", f"must be at least 0, got {value}")
        if self.drop >= 1:
            raise ParameterError("augment, drop", f"must be below 1, got {self.drop}")

    def __call__(self, frames: Tensor) -> Tensor:
        if not any(vars(self).values()):
            return frames
        if frames.dim() != 5:
            raise ShapeError(
                "augment",
                f"takes (batch, time, channel, height, width), got {tuple(frames.shape)}",
                "switch it off",
            )
        if not frames.is_floating_point():
            frames = frames.float()
        if self.drop:
            lost = torch.rand(len(frames), 1, 1, 1, 1) * self.drop
            frames = frames * (torch.rand(frames.shape) >= lost).to(frames)
        if not (self.shift or self.rotate or self.scale or self.shear or self.elastic):
            return frames
        batch, _, _, height, width = frames.shape
        flat = frames.flatten(1, 2)  # (batch, time x channel, height, width)
        grid = functional.affine_grid(
            self._transforms(batch, height, width).to(flat),
            [batch, 1, height, width],
            align_corners=False,
        )
        if self.elastic:
            coarse = torch.randn(batch, 2, 5, 5).to(flat)
            smooth = functional.interpolate(
                coarse, size=(height, width), mode="bicubic", align_corners=True
            )
            pixel = torch.tensor([2 / width, 2 / height]).to(flat)
            grid = grid + smooth.permute(0, 2, 3, 1) * self.elastic * pixel
        return functional.grid_sample(flat, grid, align_corners=False).view_as(frames)

    def _transforms(self, batch: int, height: int, width: int) -> Tensor:
        """Affine matrices ``(batch, 2, 3)`` in the coordinates of grid_sample."""

        def either_way(size: float) -> Tensor:
            return (torch.rand(batch) * 2 - 1) * size

        angle = either_way(math.radians(self.rotate))
        zoom, slant = 1 + either_way(self.scale), either_way(self.shear)
        dx, dy = either_way(2 * self.shift / width), either_way(2 * self.shift / height)
        cos, sin = angle.cos() / zoom, angle.sin() / zoom
        return torch.stack(
            [torch.stack([cos, slant - sin, dx], 1), torch.stack([sin, cos, dy], 1)], 1
        )
