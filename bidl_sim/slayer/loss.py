"""SLAYER's losses, on spikes ``(batch, class, ..., time)``."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bidl_sim.trainers import losses


class _Loss(torch.nn.Module):
    """A loss of the trainers, told where time is."""

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of spikes ``input`` given what was wanted."""
        return self.loss(_time_second(input), target)


class SpikeTime(_Loss):
    """Van Rossum distance to ``target``, the wanted spikes; see `losses.SpikeTime`."""

    def __init__(
        self,
        time_constant: float = 5,
        length: int = 100,
        filter_order: int = 1,
        reduction: str = "sum",
    ) -> None:
        super().__init__(losses.SpikeTime(time_constant, length, filter_order, reduction))

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.loss(_time_second(input), _time_second(target))


class SpikeRate(_Loss):
    """Squared error of rates; labels ``(batch,)`` or ``(batch, time)``. See `losses.SpikeRate`."""

    def __init__(
        self,
        true_rate: float,
        false_rate: float,
        moving_window: int | None = None,
        reduction: str = "sum",
    ) -> None:
        super().__init__(losses.SpikeRate(true_rate, false_rate, moving_window or 0, reduction))


class SpikeMax(_Loss):
    """Negative log-likelihood of labels ``(batch,)`` or ``(batch, time)``; see `losses.SpikeMax`.

    Finite also where a class does not spike at all, where lava-dl's is not.
    """

    def __init__(
        self,
        moving_window: int | None = None,
        mode: str = "probability",
        reduction: str = "sum",
        eps: float = 1e-6,
    ) -> None:
        super().__init__(losses.SpikeMax(mode, moving_window or 0, eps, reduction))


class SpikeMoid(_Loss):
    """Binary cross-entropy of rates with ``target`` ``(batch, class)``, or also ``(..., time)``.

    See `losses.SpikeMoid`.
    """

    def __init__(
        self,
        moving_window: int | None = None,
        reduction: str = "sum",
        alpha: float = 1,
        theta: float = 0,
    ) -> None:
        super().__init__(losses.SpikeMoid(alpha, theta, moving_window or 0, reduction))

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        wanted = target.float()
        return self.loss(_time_second(input), _time_second(wanted) if wanted.dim() > 2 else wanted)


class SparsityEnforcer:
    """Collects a penalty for each layer that is more active than ``max_rate``.

    ``lam sum over layers of relu(mean|x| - max_rate)^2``; see `losses.FiringRate`.
    """

    def __init__(self, max_rate: float = 0.01, lam: float = 1) -> None:
        self.penalty = losses.FiringRate(weight=1.0, high=max_rate)
        self.lam = lam
        self.clear()

    def append(self, x: Tensor) -> None:
        """Add the penalty of what one layer sent."""
        self.loss_list.append(self.penalty({"x": x}))

    @property
    def loss(self) -> Tensor:
        """The penalty of the layers so far."""
        return self.lam * sum(self.loss_list, start=torch.zeros(()))

    def clear(self) -> None:
        """Forget the layers so far."""
        self.loss_list: list[Tensor] = []


def _time_second(x: Tensor) -> Tensor:
    return x.flatten(1, -2).transpose(1, 2)
