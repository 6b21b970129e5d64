"""Moving windows in ONNX: its own operators, or products of matrices in double precision.

Runtimes have no convolution of doubles. There each place of the kernel becomes a slice of the
image, and all of them together one product.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bidl_sim.netx.onnx.writer import Writer
from bidl_sim.netx.step.graph import Node
from bidl_sim.typing import Array, Shape

Pair = tuple[int, int]


def conv(w: Writer, node: Node, inputs: list[str], out: str) -> None:
    """A kernel moved over the image."""
    said = node.attributes
    if w.float != np.float64:
        w.add("Conv", inputs, out, **_window(said))
        return
    kernel = _value(node, 1)
    padding = [(p, p) for p in said["padding"]]
    steps = (said["stride"], said["dilation"])
    _product(w, node, inputs, out, kernel, said["groups"], padding, *steps)


def conv_transpose(w: Writer, node: Node, inputs: list[str], out: str) -> None:
    """Its transpose; in double precision, zeros between the pixels and the kernel turned around."""
    said = node.attributes
    if w.float != np.float64:
        more = said["output_padding"]
        w.add("ConvTranspose", inputs, out, output_padding=more, **_window(said))
        return
    kernel, groups = _value(node, 1), said["groups"]
    per_group = kernel.reshape(groups, -1, *kernel.shape[1:]).swapaxes(1, 2)
    turned = per_group.reshape(-1, per_group.shape[2], *kernel.shape[2:])[..., ::-1, ::-1]
    reach = [d * (k - 1) for d, k in zip(said["dilation"], kernel.shape[2:], strict=True)]
    padding = [
        (r - p, r - p + m - (s - 1))
        for r, p, m, s in zip(
            reach, said["padding"], said["output_padding"], said["stride"], strict=True
        )
    ]
    spread = _with_zeros(w, inputs[0], node.inputs[0].shape, said["stride"], out)
    _product(w, node, [spread, *inputs[1:]], out, turned, groups, padding, (1, 1), said["dilation"])


def avg_pool(w: Writer, node: Node, inputs: list[str], out: str) -> None:
    """Means; the zeros of the padding count."""
    said = node.attributes
    if w.float != np.float64:
        w.add("AveragePool", inputs, out, count_include_pad=1, **_pool_window(said))
        return
    channels, size = node.inputs[0].shape[0], said["kernel_size"]
    padding = [(p, p) for p in said["padding"]]
    ones = np.ones((channels, 1, *size))
    sums = f"{out}/sums"
    _product(w, node, inputs, sums, ones, channels, padding, said["stride"], (1, 1))
    count = w.array(f"={float(math.prod(size))!r}", np.array(math.prod(size), w.float))
    w.add("Div", [sums, count], out)


def max_pool(w: Writer, node: Node, inputs: list[str], out: str) -> None:
    """The largest values."""
    w.add("MaxPool", inputs, out, **_pool_window(node.attributes))


def _window(said: Any) -> dict[str, Any]:
    return {
        "strides": said["stride"],
        "pads": [*said["padding"], *said["padding"]],
        "dilations": said["dilation"],
        "group": said["groups"],
    }


def _pool_window(said: Any) -> dict[str, Any]:
    return {
        "kernel_shape": said["kernel_size"],
        "strides": said["stride"],
        "pads": [*said["padding"], *said["padding"]],
    }


def _value(node: Node, place: int) -> Array:
    value = node.inputs[place].value
    assert value is not None  # kernels are constants
    return value


def _with_zeros(w: Writer, image: str, shape: Shape, stride: Pair, out: str) -> str:
    """Behind each pixel, stride - 1 zeros along each axis."""
    channels, height, width = shape
    down, across = (s - 1 for s in stride)
    if not down and not across:
        return image
    apart = w.add("Reshape", [image, w.whole(-1, channels, height, 1, width, 1)], f"{out}/apart")
    padded = w.add(
        "Pad", [apart, w.whole(0, 0, 0, 0, 0, 0, 0, 0, 0, down, 0, across)], f"{out}/zeros"
    )
    size = w.whole(-1, channels, height * stride[0], width * stride[1])
    return w.add("Reshape", [padded, size], f"{out}/spread")


def _product(
    w: Writer,
    node: Node,
    inputs: list[str],
    out: str,
    kernel: Array,
    groups: int,
    padding: Sequence[Pair],
    stride: Pair,
    dilation: Pair,
) -> None:
    """A convolution as slices side by side, multiplied by the kernel as a matrix."""
    assert node.output is not None
    channels, height, width = node.output.shape
    (top, bottom), (left, right) = padding
    image = inputs[0]
    if any((top, bottom, left, right)):
        image = w.add("Pad", [image, w.whole(0, 0, top, left, 0, 0, bottom, right)], f"{out}/pad")
    inside = kernel.shape[1]
    parts = []
    for y, x in np.ndindex(*kernel.shape[2:]):
        start = (y * dilation[0], x * dilation[1])
        stop = (start[0] + (height - 1) * stride[0] + 1, start[1] + (width - 1) * stride[1] + 1)
        name = f"{out}/{y},{x}"
        bounds = [w.whole(*start), w.whole(*stop), w.whole(2, 3), w.whole(*stride)]
        seen = w.add("Slice", [image, *bounds], name)
        shape = w.whole(-1, groups, inside, height * width)
        parts.append(w.add("Reshape", [seen, shape], f"{name}/flat"))
    columns = w.add("Concat", parts, f"{out}/columns", axis=2)
    by_tap = kernel.reshape(groups, -1, inside, kernel.shape[2] * kernel.shape[3])
    rows = by_tap.swapaxes(2, 3).reshape(groups, channels // groups, -1)
    weight = w.array(f"{out}/kernel", rows.astype(w.float))
    products = w.add("MatMul", [weight, columns], f"{out}/products")
    biased = len(inputs) > 2
    whole = w.whole(-1, channels, height, width)
    result = w.add("Reshape", [products, whole], f"{out}/image" if biased else out)
    if biased:
        view = w.add("Reshape", [inputs[2], w.whole(channels, 1, 1)], f"{out}/bias")
        w.add("Add", [result, view], out)
