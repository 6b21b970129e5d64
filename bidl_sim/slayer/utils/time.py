"""Moving and spreading values along the time axis, which is the last."""

from __future__ import annotations

import torch
from torch import Tensor

from bidl_sim.errors import ShapeError


def shift(x: Tensor, shift_val: float | Tensor, sampling_time: float = 1) -> Tensor:
    """Later by ``shift_val`` (earlier if negative), in whole steps; zeros come in at the end.

    Parameters
    ----------
    x : (batch, channel, ..., time)
    shift_val
        One number, or one for each channel or each neuron; its part below a step is dropped.
    sampling_time
        Length of a step in the unit of ``shift_val``.
    """
    steps = torch.as_tensor(shift_val, device=x.device).detach() / sampling_time
    source = (
        torch.arange(x.shape[-1], device=x.device) - per_neuron("shift", steps, x).floor().long()
    )
    inside = (source >= 0) & (source < x.shape[-1])
    places = source.clamp(0, x.shape[-1] - 1).expand(x.shape)
    return x.gather(-1, places) * inside


def replicate(x: Tensor, n_sample: int) -> Tensor:
    """The same values in each of ``n_sample`` steps: a new last axis."""
    return x[..., None].expand(*x.shape, n_sample)


def per_neuron(where: str, values: Tensor, x: Tensor) -> Tensor:
    """One value, one per channel or one per neuron, in a shape that broadcasts with ``x``."""
    neurons = x.shape[1:-1]
    for shape in ((1,) * len(neurons), (*neurons[:1], *(1,) * (len(neurons) - 1)), neurons):
        if values.numel() == torch.Size(shape).numel():
            return values.reshape(1, *shape, 1)
    raise ShapeError(
        where,
        f"takes one value, one per channel or one per neuron {tuple(neurons)}, "
        f"got {tuple(values.shape)}",
    )
