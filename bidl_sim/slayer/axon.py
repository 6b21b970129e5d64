"""Axonal delays: what a neuron sends arrives later, by a delay that is learned."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bidl_sim.slayer.utils.time import per_neuron, shift


def delay(
    input: Tensor, delay: float | Tensor, sampling_time: float = 1, grad_scale: float = 1
) -> Tensor:
    """Values ``(batch, channel, ..., time)``, later by whole steps of ``delay``.

    ``y[t] = x[t - floor(delay / sampling_time)]``; the gradient of a delay is, from the slope of
    what was delayed::

        grad_scale / sampling_time  sum over t of g[t] (y[t - 1] - y[t])

    Parameters
    ----------
    input : (batch, channel, ..., time)
    delay
        One number, or one for each channel or neuron, in the unit of ``sampling_time``.
    sampling_time, grad_scale
    """
    if not isinstance(delay, Tensor):
        return shift(input, delay, sampling_time)
    delayed: Tensor = _Delay.apply(input, delay, sampling_time, grad_scale)  # type: ignore[no-untyped-call]
    return delayed


class Delay(torch.nn.Module):
    """A learned delay for each channel, drawn from [0, 1) steps when the first values come.

    Parameters
    ----------
    max_delay
        Delays are kept in [0, max_delay]; without it, at least 0.
    sampling_time, grad_scale
        See `delay`.
    """

    def __init__(
        self, max_delay: float | None = None, sampling_time: float = 1, grad_scale: float = 1
    ) -> None:
        super().__init__()
        self.max_delay, self.sampling_time, self.grad_scale = max_delay, sampling_time, grad_scale
        self.delay = torch.nn.Parameter(torch.empty(0))

    def forward(self, input: Tensor) -> Tensor:
        """The delayed values."""
        if not self.delay.numel():
            self.delay.data = torch.rand(input.shape[1], device=input.device)
        self.clamp()
        return delay(input, self.delay, self.sampling_time, self.grad_scale)

    def clamp(self) -> None:
        """Bring delays that an optimiser moved back into their range."""
        self.delay.data.clamp_(0, self.max_delay)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *others: Any) -> None:
        saved = state_dict.get(f"{prefix}delay")
        if saved is not None:
            self.delay.data = torch.empty_like(saved, device=self.delay.device)
        super()._load_from_state_dict(state_dict, prefix, *others)


class _Delay(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, delay: Tensor, sampling_time: float, grad_scale: float
    ) -> Tensor:
        steps = (per_neuron("delay", delay, x) / sampling_time).floor()
        y = shift(x, steps)
        ctx.save_for_backward(y, steps, delay)
        ctx.scale = grad_scale / sampling_time
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (g,) = grads
        y, steps, delay = ctx.saved_tensors
        to_delay = None
        if ctx.needs_input_grad[1]:
            slope = g * (shift(y, 1) - y)
            to_delay = ctx.scale * slope.sum_to_size(steps.shape).reshape(delay.shape)
        return shift(g, -steps), to_delay, None, None
