"""Moving windows in numpy: every place of the window side by side, then one product."""

from __future__ import annotations

from math import prod
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bidl_sim.netx.emulator.numbers import Numbers
from bidl_sim.netx.step.graph import Node
from bidl_sim.typing import Array

Pair: TypeAlias = tuple[int, int]


def conv(
    numbers: Numbers, node: Node, image: Array, kernel: Array, bias: Array | None = None
) -> Array:
    """A kernel moved over the image."""
    said = node.attributes
    padding = [(p, p) for p in said["padding"]]
    seen = _windows(
        image.astype(numbers.wide), padding, kernel.shape[2:], said["stride"], said["dilation"]
    )
    return _products(numbers, node, seen, kernel, said["groups"], bias)


def conv_transpose(
    numbers: Numbers, node: Node, image: Array, kernel: Array, bias: Array | None = None
) -> Array:
    """Its transpose: zeros between the pixels, and the kernel turned around."""
    said, groups, size = node.attributes, node.attributes["groups"], kernel.shape[2:]
    per_group = kernel.reshape(groups, -1, *kernel.shape[1:]).swapaxes(1, 2)
    turned = per_group.reshape(-1, per_group.shape[2], *size)[..., ::-1, ::-1]
    (down, across), more = said["stride"], said["output_padding"]
    height, width = ((n - 1) * s + 1 for n, s in zip(image.shape[2:], said["stride"], strict=True))
    spread = np.zeros((*image.shape[:2], height, width), numbers.wide)
    spread[:, :, ::down, ::across] = image
    reach = [d * (k - 1) for d, k in zip(said["dilation"], size, strict=True)]
    padding = [(r - p, r - p + m) for r, p, m in zip(reach, said["padding"], more, strict=True)]
    seen = _windows(spread, padding, size, (1, 1), said["dilation"])
    return _products(numbers, node, seen, turned, groups, bias)


def avg_pool(numbers: Numbers, node: Node, image: Array) -> Array:
    """Means, added up place by place; the zeros of the padding count."""
    said, size = node.attributes, node.attributes["kernel_size"]
    padding = [(p, p) for p in said["padding"]]
    seen = _windows(image.astype(numbers.wide), padding, size, said["stride"], (1, 1))
    places = (seen[..., y, x] for y, x in np.ndindex(*size))
    mean: Array = sum(places, np.zeros((), numbers.wide)) / numbers.wide.type(prod(size))
    return mean


def max_pool(numbers: Numbers, node: Node, image: Array) -> Array:
    """The largest values; the padding counts for none."""
    said = node.attributes
    padding = [(p, p) for p in said["padding"]]
    lowest = -np.inf if image.dtype.kind == "f" else np.iinfo(image.dtype).min
    seen = _windows(image, padding, said["kernel_size"], said["stride"], (1, 1), lowest)
    largest: Array = seen.max((-2, -1))
    return largest


def _windows(
    image: Array,
    padding: list[Pair],
    size: tuple[int, ...],
    stride: Pair,
    dilation: Pair,
    outside: float = 0.0,
) -> Array:
    """``(batch, channels, height, width, *size)``; a negative padding cuts."""
    sides = zip(padding, image.shape[2:], strict=True)
    rows, columns = (slice(max(-b, 0), n - max(-a, 0)) for (b, a), n in sides)
    grown = [(max(b, 0), max(a, 0)) for b, a in padding]
    padded = np.pad(image[..., rows, columns], ((0, 0), (0, 0), *grown), constant_values=outside)
    reach = tuple(d * (k - 1) + 1 for d, k in zip(dilation, size, strict=True))
    every = sliding_window_view(padded, reach, axis=(2, 3))
    return every[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def _products(
    numbers: Numbers,
    node: Node,
    seen: Array,
    kernel: Array,
    groups: int,
    bias: Array | None,
) -> Array:
    """The sum over the channels of a group and all places of the kernel."""
    assert node.output is not None
    batch, channels, height, width = seen.shape[:4]
    taps = channels // groups * prod(kernel.shape[2:])
    columns = seen.transpose(0, 1, 4, 5, 2, 3).reshape(batch, groups, taps, height * width)
    rows = kernel.reshape(groups, -1, taps)
    column = None if bias is None else bias.reshape(groups, -1, 1)
    found = numbers.products(rows, columns, column)
    return found.reshape(batch, *node.output.shape)
