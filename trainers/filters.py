"""Causal filters over the last axis, which is time."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bidl_sim.errors import ParameterError


def exponential(time_constant: float, length: int, order: int = 1) -> Tensor:
    """The response ``exp(-k / time_constant)`` for k < length, float64.

    A higher ``order`` is that response convolved with itself, ``order - 1`` times, and cut to
    ``length`` again.
    """
    for name, value in (("time_constant", time_constant), ("length", length), ("order", order)):
        if not value > 0:
            raise ParameterError(f"exponential filter, {name}", f"must be > 0, got {value}")
    once = torch.exp(-torch.arange(length, dtype=torch.float64) / time_constant)
    response = once
    for _ in range(order - 1):
        response = convolve(response[None], once)[0]
    return response


def convolve(x: Tensor, response: Tensor) -> Tensor:
    """``y[t] = sum over k of response[k] x[t - k]``; before the first step there are zeros."""
    steps = x.shape[-1]
    kernel = response[:steps].to(x).flip(0)[None, None]
    rows = functional.pad(x.reshape(-1, 1, steps), (kernel.shape[-1] - 1, 0))
    return functional.conv1d(rows, kernel).reshape(x.shape)


def correlate(x: Tensor, response: Tensor) -> Tensor:
    """``y[t] = sum over k of response[k] x[t + k]``; after the last step there are zeros."""
    return convolve(x.flip(-1), response).flip(-1)


def moving_average(x: Tensor, window: int) -> Tensor:
    """The mean of the last ``window`` values; before the first step there are zeros."""
    steps = x.shape[-1]
    rows = functional.pad(x.reshape(-1, 1, steps), (window - 1, 0))
    return functional.avg_pool1d(rows, window, stride=1).reshape(x.shape)
