"""Spikes that wait for the backward pass, as bits: a 32nd of the memory."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bidl_sim.engines.torch.buffers import NUMPY, take

SMALL = 4096
"""A tensor of fewer values is not worth packing."""


@dataclass(frozen=True)
class Packed:
    """Zeros and ones, eight in a byte, in the order they lie in memory."""

    bits: Tensor
    shape: torch.Size
    axes: tuple[int, ...]
    dtype: torch.dtype


def spikes_as_bits() -> AbstractContextManager[object]:
    """Within it, what autograd saves is packed where all of it is 0 or 1."""
    return torch.autograd.graph.saved_tensors_hooks(pack, unpack)


def pack(x: Tensor) -> Packed | Tensor:
    """The bits of a tensor of spikes; anything else stays as it is."""
    if x.numel() < SMALL or not x.is_floating_point() or isinstance(x, torch.nn.Parameter):
        return x
    axes = tuple(sorted(range(x.dim()), key=x.stride, reverse=True))
    laid_out = x.detach().permute(axes)
    if not laid_out.is_contiguous():
        return x
    flat = laid_out.view(-1)
    if not (_binary(flat[:SMALL]) and _binary(flat)):
        return x
    if x.device.type == "cpu":
        bits = torch.from_numpy(np.packbits(flat.bool().numpy(), bitorder="little"))
    else:
        eights = torch.nn.functional.pad(flat.byte(), (0, -len(flat) % 8)).view(-1, 8)
        bits = (eights << _places(x.device)).sum(1, dtype=torch.uint8)
    return Packed(bits, laid_out.shape, axes, x.dtype)


def unpack(held: Packed | Tensor) -> Tensor:
    """The tensor again, laid out in memory as it was."""
    if isinstance(held, Tensor):
        return held
    count = held.shape.numel()
    if held.bits.device.type == "cpu" and held.dtype in NUMPY:
        values = take((count,), held.dtype)
        values.numpy()[:] = np.unpackbits(held.bits.numpy(), count=count, bitorder="little")
    else:
        eights = (held.bits.unsqueeze(1) >> _places(held.bits.device)) & 1
        values = eights.view(-1)[:count].to(held.dtype)
    back = np.argsort(held.axes).tolist()
    return values.view(held.shape).permute(back)


def _binary(flat: Tensor) -> bool:
    return bool(((flat == 0) | (flat == 1)).all())


def _places(device: torch.device) -> Tensor:
    return torch.arange(8, dtype=torch.uint8, device=device)
