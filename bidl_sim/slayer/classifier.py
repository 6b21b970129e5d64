"""From output spikes ``(batch, class, time)`` to classes."""

from __future__ import annotations

import torch
from torch import Tensor

from bidl_sim.errors import ParameterError
from bidl_sim.trainers.filters import moving_average

MODES = ("probability", "softmax", "logsoftmax")


class Rate(torch.nn.Module):
    """The class that spikes most often over the whole time; its functions need no instance."""

    def forward(self, spike: Tensor) -> Tensor:
        """Same as `predict`."""
        return self.predict(spike)

    @staticmethod
    def rate(spike: Tensor) -> Tensor:
        """Spikes per step, ``(batch, class)``."""
        return _flat(spike).mean(-1)

    @staticmethod
    def confidence(spike: Tensor, mode: str = "probability", eps: float = 1e-6) -> Tensor:
        """The share of each class, ``rate / (sum of rates + eps)``, or the softmax of the rates."""
        return _confidence(Rate.rate(spike), mode, eps)

    @staticmethod
    def predict(spike: Tensor) -> Tensor:
        """Class indices ``(batch,)``."""
        return Rate.rate(spike).argmax(1)


class MovingWindow(torch.nn.Module):
    """The class that spikes most often in the last ``time_window`` steps, in every step."""

    def __init__(self, time_window: int, mode: str = "probability", eps: float = 1e-6) -> None:
        super().__init__()
        if time_window < 1:
            raise ParameterError("MovingWindow, time_window", f"must be >= 1, got {time_window}")
        _check_mode("MovingWindow, mode", mode)
        self.time_window, self.mode, self.eps = time_window, mode, eps

    def forward(self, spike: Tensor) -> Tensor:
        """Same as `predict`."""
        return self.predict(spike)

    def rate(self, spike: Tensor) -> Tensor:
        """Spikes per step, ``(batch, class, time)``; before the first step there are none."""
        return moving_average(_flat(spike), self.time_window)

    def confidence(self, spike: Tensor) -> Tensor:
        """As `Rate.confidence`, ``(batch, class, time)``."""
        return _confidence(self.rate(spike), self.mode, self.eps)

    def predict(self, spike: Tensor) -> Tensor:
        """Class indices ``(batch, time)``."""
        return self.rate(spike).argmax(1)


def _flat(spike: Tensor) -> Tensor:
    return spike.flatten(1, -2)


def _confidence(rate: Tensor, mode: str, eps: float) -> Tensor:
    _check_mode("confidence, mode", mode)
    if mode == "probability":
        return rate / (rate.sum(1, keepdim=True) + eps)
    return rate.softmax(1) if mode == "softmax" else rate.log_softmax(1)


def _check_mode(where: str, mode: str) -> None:
    if mode not in MODES:
        raise ParameterError(where, f"must be one of {MODES}, got {mode!r}")
