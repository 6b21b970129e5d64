"""What lies first in memory, time or the batch.

Engines hold sequences as ``(time, batch, ...)``; users give ``(batch, time, ...)``. A sequence
keeps the memory it came in, seen through a transposed view, so that neither way costs a copy.
"""

from __future__ import annotations

from torch import Tensor

from bidl_sim.engines.torch.buffers import NUMPY, take


def is_batch_first(sequence: Tensor) -> bool:
    """Whether the samples of ``(time, batch, ...)`` lie one after another in memory."""
    return not sequence.is_contiguous() and sequence.transpose(0, 1).is_contiguous()


def in_order(sequence: Tensor, batch_first: bool) -> Tensor:
    """The same values, in memory as said; a copy only where they are not yet."""
    seen = sequence.transpose(0, 1) if batch_first else sequence
    if not seen.is_contiguous():
        known = seen.device.type == "cpu" and seen.dtype in NUMPY
        seen = take(seen.shape, seen.dtype).copy_(seen) if known else seen.contiguous()
    return seen.transpose(0, 1) if batch_first else seen


def fold(sequence: Tensor, batch_first: bool) -> Tensor:
    """Time and batch as one axis, in the order of memory."""
    return (sequence.transpose(0, 1) if batch_first else sequence).flatten(0, 1)


def unfold(values: Tensor, batch: int, batch_first: bool) -> Tensor:
    """Back to ``(time, batch, ...)``."""
    if batch_first:
        return values.view(batch, -1, *values.shape[1:]).transpose(0, 1)
    return values.view(-1, batch, *values.shape[1:])
