"""Finite impulse responses over the time axis, which is the last."""

from __future__ import annotations

import torch
from torch import Tensor

from bidl_sim.trainers.filters import convolve, correlate, exponential


def conv(input: Tensor, filter: Tensor, sampling_time: float = 1) -> Tensor:
    """Causal: ``y[t] = sampling_time sum over k of filter[k] input[t - k]``."""
    return sampling_time * convolve(input, filter)


def corr(input: Tensor, filter: Tensor, sampling_time: float = 1) -> Tensor:
    """Anticausal: ``y[t] = sampling_time sum over k of filter[k] input[t + k]``."""
    return sampling_time * correlate(input, filter)


class FIR(torch.nn.Module):
    """A fixed causal filter, ``exp(-t / time_constant)`` unless its response is given.

    Parameters
    ----------
    fir_response : (length,)
    time_constant, length
        Of the exponential, in the unit of ``sampling_time``.
    sampling_time
    """

    def __init__(
        self,
        fir_response: Tensor | None = None,
        time_constant: float = 1,
        length: int = 100,
        sampling_time: float = 1,
    ) -> None:
        super().__init__()
        if fir_response is None:
            steps = int(length / sampling_time)
            fir_response = exponential(time_constant / sampling_time, steps).float()
        self.sampling_time = sampling_time
        self.filter: Tensor
        self.register_buffer("filter", torch.as_tensor(fir_response).flatten())

    def forward(self, input: Tensor) -> Tensor:
        """The filtered values."""
        return conv(input, self.filter, self.sampling_time)


class FIRBank(torch.nn.Module):
    """Learned causal filters: each channel goes through every filter.

    ``(batch, channel, ..., time)`` becomes ``(batch, num_filter channel, ..., time)``, the results
    of one filter side by side.

    Parameters
    ----------
    num_filter, filter_length : int
    scale
        Weights begin as a linear layer's, times ``scale``.
    sampling_time
    """

    def __init__(
        self, num_filter: int, filter_length: int, scale: float = 1, sampling_time: float = 1
    ) -> None:
        super().__init__()
        first = torch.nn.Linear(filter_length, num_filter, bias=False).weight.detach()
        self.weight = torch.nn.Parameter(scale * first)
        self.sampling_time = sampling_time

    def forward(self, input: Tensor) -> Tensor:
        """The filtered values, filter by filter."""
        return torch.cat([conv(input, response, self.sampling_time) for response in self.weight], 1)
