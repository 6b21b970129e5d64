"""Between our linear maps, delays and transforms, and those of NIR."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from bidl_sim.core.port import Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError
from bidl_sim.netx.native import MAX_VALUES
from bidl_sim.netx.nir.file import Node, shown
from bidl_sim.netx.nir.options import Options
from bidl_sim.processes import (
    Add,
    AvgPool2d,
    Conv1d,
    Conv2d,
    Delay,
    Dense,
    Flatten,
    Scale,
    SumPool2d,
)
from bidl_sim.typing import Array

# -- a file's to ours ----------------------------------------------------------------------------


def layer(node: Node, options: Options) -> Process:
    """The process that a node describes, if that is no population."""
    return READERS[node.kind](node, options)


def _dense(node: Node, options: Options) -> Process:
    weight = node.array("weight")
    if weight.ndim != 2:
        raise FormatError(
            f"{node.where}/weight",
            f"must be (outputs, inputs), is of shape {weight.shape}",
            "maps of several vectors at once are not read",
        )
    bias = node.array("bias") if "bias" in node.fields else False
    return Dense(weight.shape[1], weight.shape[0], weight=weight, bias=bias)


def _scale(node: Node, options: Options) -> Process:
    return Scale(node.array("scale"))


def _convolution(axes: int) -> Reader:
    def reader(node: Node, options: Options) -> Process:
        weight = node.array("weight")
        if weight.ndim != 2 + axes:
            raise FormatError(
                f"{node.where}/weight", f"must have {2 + axes} axes, is of shape {weight.shape}"
            )
        kernel = weight.shape[2:]
        stride, dilation = (node.integers(name, axes) for name in ("stride", "dilation"))
        padding = _padding(node, kernel, stride, dilation)
        (groups,) = node.integers("groups", 1)
        kind: Any = Conv2d if axes == 2 else Conv1d
        window = (kernel, stride, padding, dilation)
        sizes = window if axes == 2 else [size[0] for size in window]
        channels = (groups * weight.shape[1], weight.shape[0])
        made: Process = kind(*channels, *sizes, groups, weight, node.array("bias"))
        return made

    return reader


def _padding(
    node: Node, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[int, ...]:
    """Zeros on both sides of each axis."""
    given = node.fields["padding"]
    if not isinstance(given, str):
        return node.integers("padding", len(kernel))
    where = f"{node.where}/padding"
    if given == "valid":
        return (0,) * len(kernel)
    if given != "same":
        raise FormatError(where, f"must be numbers, 'same' or 'valid', is {given!r}")
    if set(stride) != {1}:
        raise FormatError(where, f"'same' needs a stride of 1, is {stride}")
    both = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    if any(n % 2 for n in both):
        raise FormatError(where, f"'same' of the even kernel {kernel} has no two equal sides")
    return tuple(n // 2 for n in both)


def _pool(kind: Callable[..., Process]) -> Reader:
    def reader(node: Node, options: Options) -> Process:
        return kind(*(node.integers(name, 2) for name in ("kernel_size", "stride", "padding")))

    return reader


def _flatten(node: Node, options: Options) -> Process:
    (start,), (end,) = node.integers("start_dim", 1), node.integers("end_dim", 1)
    return Flatten(start, end)


def _delay(node: Node, options: Options) -> Process:
    seconds = node.array("delay").astype(np.float64)
    steps = np.rint(seconds / options.step)
    if np.any(seconds < 0) or steps.max(initial=0) * max(seconds.size, 1) > MAX_VALUES:
        raise FormatError(f"{node.where}/delay", f"is {shown(seconds)} s, out of bounds")
    most = int(steps.max(initial=0))
    return Delay(steps, max_delay=max(most, 62))


Reader: TypeAlias = Callable[[Node, Options], Process]

READERS: Mapping[str, Reader] = {
    "Affine": _dense,
    "Linear": _dense,
    "Scale": _scale,
    "Conv1d": _convolution(1),
    "Conv2d": _convolution(2),
    "SumPool2d": _pool(SumPool2d),
    "AvgPool2d": _pool(AvgPool2d),
    "Flatten": _flatten,
    "Delay": _delay,
}


# -- ours to a file's ----------------------------------------------------------------------------

Fields: TypeAlias = dict[str, Any]


def fields(process: Process, given: Signal, dt: float) -> tuple[str, Fields]:
    """Type and fields of a node, for a process whose input is ``given``."""
    return WRITERS[type(process)](process, given, dt)


def _from_dense(p: Dense, given: Signal, dt: float) -> tuple[str, Fields]:
    weight, bias = _weights(p)
    if bias is None:
        return "Linear", {"weight": weight}
    return "Affine", {"weight": weight, "bias": bias}


def _from_convolution(p: Any, given: Signal, dt: float) -> tuple[str, Fields]:
    weight, bias = _weights(p)
    one = isinstance(p, Conv1d)
    space = given.shape[1] if one else np.array(given.shape[1:])
    sizes = {
        name: np.int64(getattr(p, name)) if one else np.array(getattr(p, name), np.int64)
        for name in ("stride", "padding", "dilation")
    }
    return type(p).__name__, {
        "input_shape": np.asarray(space, np.int64),
        "weight": weight,
        **sizes,
        "groups": np.int64(p.groups),
        "bias": np.zeros(weight.shape[0], weight.dtype) if bias is None else bias,
    }


def _weights(p: Any) -> tuple[Array, Array | None]:
    """Weight and bias as they are used: masks, grids and norms are in them."""
    given = p.parameters()
    bias = p.effective_bias(given)
    return np.asarray(p.effective_weight(given)), None if bias is None else np.asarray(bias)


def _from_pool(p: Any, given: Signal, dt: float) -> tuple[str, Fields]:
    if getattr(p, "weight", 1.0) != 1.0:
        raise FormatError(f"{p.where}, weight", f"is {p.weight}; a sum of NIR has none")
    stride = p.stride or p.kernel_size
    sizes = {"kernel_size": p.kernel_size, "stride": stride, "padding": p.padding}
    return type(p).__name__, {name: np.array(size, np.int64) for name, size in sizes.items()}


def _from_flatten(p: Flatten, given: Signal, dt: float) -> tuple[str, Fields]:
    shape = np.array(given.shape, np.int64)
    dims = {"start_dim": np.int64(p.start_dim), "end_dim": np.int64(p.end_dim)}
    return "Flatten", {**dims, "input_type": shape}


def _from_delay(p: Delay, given: Signal, dt: float) -> tuple[str, Fields]:
    return "Delay", {"delay": full(np.floor(p.delay) * dt, given)}


def _from_scale(p: Scale, given: Signal, dt: float) -> tuple[str, Fields]:
    if p.quantize:
        raise FormatError(f"{p.where}, quantize", "rounds its input, which NIR cannot say")
    if np.any(p.bias != 0):
        raise FormatError(f"{p.where}, bias", "is not 0; a Scale of NIR has none")
    return "Scale", {"scale": full(p.weight, given)}


def _from_add(p: Add, given: Signal, dt: float) -> tuple[str, Fields]:
    return "Scale", {"scale": np.ones(given.shape)}


def full(value: Any, signal: Signal) -> Array:
    """One number, or one for each channel, for all values of a signal."""
    array, shape = np.asarray(value), signal.shape
    if array.shape != shape and array.ndim:
        array = array.reshape(array.shape + (1,) * (len(shape) - 1))
    return np.ascontiguousarray(np.broadcast_to(array, shape))


Writer: TypeAlias = Callable[[Any, Signal, float], "tuple[str, Fields]"]

WRITERS: Mapping[type[Process], Writer] = {
    Dense: _from_dense,
    Conv1d: _from_convolution,
    Conv2d: _from_convolution,
    AvgPool2d: _from_pool,
    SumPool2d: _from_pool,
    Flatten: _from_flatten,
    Delay: _from_delay,
    Scale: _from_scale,
    Add: _from_add,
}
