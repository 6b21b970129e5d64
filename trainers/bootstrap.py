"""The rate of spiking neurons as a function of their input, for training in rates.

References
----------
The bootstrap training of lava-dl: a spiking network is sampled now and then, and trained as the
network of rates that its samples show.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bidl_sim.errors import StateError

BINS = 5
LOWEST, HIGHEST = 0.1, 0.9
"""Where the bins begin and end, as shares of the largest rate."""
LEAST_MAXIMUM = 0.8
KEPT = 0.9
"""How much of an old centre is kept where its bin has new samples."""
SLOPE_OUTSIDE = 1e-5


class RateActivation:
    """A piecewise-linear function f from mean input z to mean rate a, fitted to samples.

    `sample` collects the means over time of what neurons received and sent. `fit` divides the rates
    between 0.1 and 0.9 of the largest into 5 bins, whose centres are the medians of their samples;
    f goes through the centres, and on with the slopes at its ends to rate 0 and to the largest::

        f(z) = 0 below the first centre, straight between centres, maximum above the last

    Where gradients flow, its slope is scaled to that of an input in units of rates::

        f'(z) = slope z_last / a_last + 1e-5, and 1e-5 outside

    Attributes
    ----------
    centres : (points, 2)
        z and a of each point, ends included; empty before the first fit.
    slopes : (points - 1,)
    maximum : the largest rate, at least 0.8
    """

    def __init__(self) -> None:
        self.centres, self.slopes = torch.empty(0, 2), torch.empty(0)
        self.maximum = LEAST_MAXIMUM
        self._z: list[Tensor] = []
        self._a: list[Tensor] = []

    def sample(self, received: Tensor, sent: Tensor) -> None:
        """Collect from weighted inputs and spikes of the same neurons, time last."""
        self._z.append(received.detach().cpu().double().mean(-1).flatten())
        self._a.append(sent.detach().cpu().double().mean(-1).flatten())

    def fit(self) -> None:
        """Fit to the samples, then drop a random half of them."""
        if not self._z:
            raise StateError("RateActivation.fit", "has no samples", "call sample before")
        z, a = torch.cat(self._z), torch.cat(self._a)
        self.maximum = max(float(a[a >= HIGHEST * a.max()].mean()), LEAST_MAXIMUM)
        found = self._binned(z, a)
        slopes = _slopes(found)
        first, last = found[0], found[-1]
        low = torch.stack([first[0] - first[1] / slopes[0], first[1].new_zeros(())])
        up = (self.maximum - last[1]) / slopes[-1]
        high = torch.stack([last[0] + up, last[1] + up * slopes[-1]])
        self.slopes = torch.cat([slopes[:1], slopes, slopes[-1:]])
        self.centres = torch.cat([low[None], found, high[None]])
        kept = torch.randperm(len(z))[: len(z) // 2]
        self._z, self._a = [z[kept]], [a[kept]]

    def __call__(self, z: Tensor) -> Tensor:
        """Rates of inputs."""
        if not len(self.centres):
            raise StateError("RateActivation", "is not fitted", "call sample and fit before")
        rates: Tensor = _Pieces.apply(z, self.centres, self.slopes)  # type: ignore[no-untyped-call]
        return rates

    def _binned(self, z: Tensor, a: Tensor) -> Tensor:
        """Centres of the bins, mixed with those of the last fit; at least two points."""
        borders = torch.linspace(LOWEST, HIGHEST, BINS + 1, dtype=a.dtype) * self.maximum
        old_centres, points = self.centres[1:-1], []
        for low, high in pairwise(borders):
            inside = (a >= low) & (a < high)
            old = old_centres[(old_centres[:, 1] >= low) & (old_centres[:, 1] < high)]
            if inside.any():
                new = _median(torch.stack([z[inside], a[inside]], 1))
                points.append(KEPT * old[0] + (1 - KEPT) * new if len(old) else new)
            elif len(old):
                points.append(old[0])
        origin = torch.zeros(2, dtype=a.dtype)
        if not points:
            return torch.stack([origin, origin + self.maximum])  # unit slope
        return torch.stack(points if len(points) > 1 else [origin, *points])


def _median(samples: Tensor) -> Tensor:
    return torch.from_numpy(np.median(samples.numpy(), axis=0))


def _slopes(points: Tensor) -> Tensor:
    """Absolute slopes between points; equal inputs count as 1e-6 apart."""
    dz, da = points.diff(dim=0).abs().unbind(1)
    return (da / dz.clamp(min=1e-6)).clamp(min=1e-6)


class _Pieces(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, centres: Tensor, slopes: Tensor) -> Tensor:
        at, rate = centres.to(z).unbind(1)
        at = at.cummax(0).values
        piece = (torch.bucketize(z, at, right=True) - 1).clamp(0, len(slopes) - 1)
        inside = (z >= at[0]) & (z < at[-1])
        slope = slopes.to(z)[piece]
        ctx.save_for_backward(slope * inside * (at[-1] / rate[-1]) + SLOPE_OUTSIDE)
        values = (rate[piece] + slope * (z - at[piece])).clamp(max=rate[-1])
        return torch.where(inside, values, rate[-1] * (z >= at[-1]))

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, None, None]:
        return grad[0] * ctx.saved_tensors[0], None, None
