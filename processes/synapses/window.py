"""The arithmetic of sliding windows, shared by convolution and pooling."""

from __future__ import annotations

import numpy as np

from bidl_sim.core.port import Signal
from bidl_sim.errors import ShapeError
from bidl_sim.typing import Array

Pair = tuple[int, int]


def output_size(
    where: str, signal: Signal, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair = (1, 1)
) -> Pair:
    """Output height and width: floor((n + 2 padding - dilation (k - 1) - 1) / stride) + 1."""
    if len(signal.shape) != 3:
        raise ShapeError(where, f"takes (channel, height, width), receives {signal.shape}")
    size = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(signal.shape[1:], kernel, stride, padding, dilation, strict=True)
    ]
    if min(size) < 1:
        raise ShapeError(
            where,
            f"the kernel {kernel} does not fit an input of {signal.shape[1:]}, padding {padding}",
        )
    return size[0], size[1]


def windows_over(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Array:
    """For each tap of a kernel and each position of one axis, how many windows meet there."""
    count = np.zeros((kernel, size), int)
    outputs = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    for tap in range(kernel):
        position = np.arange(outputs) * stride + tap * dilation - padding
        count[tap, position[(position >= 0) & (position < size)]] = 1
    return count
