"""The arithmetic of sliding windows, shared by convolution and pooling."""

from __future__ import annotations

import numpy as np

from bidl_sim.core.port import Signal
from bidl_sim.errors import ShapeError
from bidl_sim.typing import Array, Shape

Pair = tuple[int, int]
Taps = tuple[Array, Array, Array]
"""Along one axis: source, target and tap of the kernel of everything that is connected."""


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


def transposed_size(
    where: str,
    signal: Signal,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair = (1, 1),
    more: Pair = (0, 0),
) -> Pair:
    """Height and width of what has a pixel for each of its windows:
    (n - 1) stride - 2 padding + dilation (k - 1) + 1 + more.
    """
    if len(signal.shape) != 3:
        raise ShapeError(where, f"takes (channel, height, width), receives {signal.shape}")
    size = [
        (n - 1) * s - 2 * p + d * (k - 1) + 1 + m
        for n, k, s, p, d, m in zip(
            signal.shape[1:], kernel, stride, padding, dilation, more, strict=True
        )
    ]
    if min(size) < 1:
        raise ShapeError(where, f"padding {padding} leaves nothing of an image of {tuple(size)}")
    return size[0], size[1]


def taps(
    size: Shape, outputs: Shape, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair = (1, 1)
) -> tuple[Taps, Taps]:
    """Along height and along width: positions, the windows they lie in, and their places there."""
    height, width = (
        _taps(*each) for each in zip(size, outputs, kernel, stride, padding, dilation, strict=True)
    )
    return height, width


def transposed(both: tuple[Taps, Taps]) -> tuple[Taps, Taps]:
    """The same windows, from window to position."""
    height, width = ((window, position, tap) for position, window, tap in both)
    return height, width


def _taps(size: int, outputs: int, kernel: int, stride: int, padding: int, dilation: int) -> Taps:
    tap, output = (x.ravel() for x in np.meshgrid(range(kernel), range(outputs), indexing="ij"))
    position = output * stride + tap * dilation - padding
    inside = (position >= 0) & (position < size)
    return position[inside], output[inside], tap[inside]
