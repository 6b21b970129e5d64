"""What does not compute value by value: synapses, pools and other maps, by type of process."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from bidl_sim.core.forms import Matrix, Rows
from bidl_sim.netx.step.builder import Builder
from bidl_sim.netx.step.graph import Tensor
from bidl_sim.netx.step.in_time import delayed, mixed_over_time, played, played_spikes
from bidl_sim.processes import (
    ArraySource,
    AvgPool2d,
    BatchNorm,
    Concat,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    Delay,
    Dense,
    DivisiveNorm,
    Einsum,
    Flatten,
    GlobalAvgPool,
    GroupMean,
    LateralInhibition,
    MaxPool2d,
    MeanOnlyBatchNorm,
    Multiply,
    Reshape,
    Sparse,
    SpikeSource,
    SumPool2d,
    TemporalLinear,
    Unpool2d,
    WeightScaleBatchNorm,
)
from bidl_sim.typing import Array, Shape

Said: TypeAlias = Callable[..., Tensor]
"""(builder, process, parameters, *what arrives) -> what is sent."""

MOST = 2**26
"""No connections are written as a matrix with more entries."""


def _dense(b: Builder, process: Dense, given: Mapping[str, Array], s_in: Tensor) -> Tensor:
    return _linear(b, s_in, process.effective_weight(given), process.effective_bias(given))


def _conv(b: Builder, process: Any, given: Mapping[str, Array], s_in: Tensor) -> Tensor:
    weights = [process.effective_weight(given), process.effective_bias(given)]
    said = {n: getattr(process, n) for n in ("stride", "padding", "dilation", "groups")}
    op = "conv"
    if type(process) is ConvTranspose2d:
        op, said["output_padding"] = "conv_transpose", process.output_padding
    named = zip(("weight", "bias"), weights, strict=True)
    constants = [b.constant(n, np.asarray(w)) for n, w in named if w is not None]
    return _sent(b, op, s_in, *constants, **said)


def _conv1d(b: Builder, process: Conv1d, given: Mapping[str, Array], s_in: Tensor) -> Tensor:
    """As an image one pixel high."""
    channels, length = s_in.shape
    weight, bias = process.effective_weight(given), process.effective_bias(given)
    constants = [b.constant("weight", np.asarray(weight)[:, :, None])]
    constants += [] if bias is None else [b.constant("bias", np.asarray(bias))]
    named = zip(("stride", "padding", "dilation"), process.window[1:], strict=True)
    window: dict[str, Any] = dict(named)
    sent: Tensor = b.emit(
        "conv",
        b.reshaped(s_in, (channels, 1, length)),
        *constants,
        shape=(process.out_channels, 1, _out_shape(b)[1]),
        **window,
        groups=process.groups,
    )
    return b.reshaped(sent, _out_shape(b))


def _pool(b: Builder, process: Any, given: Mapping[str, Array], s_in: Tensor) -> Tensor:
    window = {
        "stride": process.stride or process.kernel_size,
        "padding": process.padding,
    }
    if type(process) in (AvgPool2d, MaxPool2d):
        op = "avg_pool" if type(process) is AvgPool2d else "max_pool"
        return _sent(b, op, s_in, kernel_size=process.kernel_size, **window)
    channels = s_in.shape[0]
    weight = 1.0 if type(process) is SumPool2d else process.weight
    kernel = b.constant("kernel", np.full((channels, 1, *process.kernel_size), weight))
    said = {**window, "dilation": (1, 1), "groups": channels}
    if type(process) is Unpool2d:
        return _sent(b, "conv_transpose", s_in, kernel, **said, output_padding=(0, 0))
    sums = _sent(b, "conv", s_in, kernel, **said)
    return sums if process.weight == 1 else b.elementwise("*", sums, b.number(process.weight))


def _sparse(b: Builder, process: Sparse, given: Mapping[str, Array], s_in: Tensor) -> Tensor:
    signal = b.circuit.main_signal(b.path)
    slots, size = process.longest_delay + 1, process.out_features
    arriving = _linear(b, s_in, _matrix(b, process.event_form(given, signal), size, slots))
    if slots == 1:
        return arriving
    pending = b.own_state("pending")
    arriving = b.reshaped(arriving, (slots, size))
    later: Tensor = b.emit("pad", pending, shape=(slots, size), before=0, after=1)
    total = b.elementwise("+", arriving, later)
    b.save(f"{b.path}.pending", b.part(total, 1, slots))
    return b.reshaped(b.part(total, 0, 1), (size,))


def _lateral(b: Builder, process: Any, given: Mapping[str, Array], s_in: Tensor) -> Tensor:
    own, other = process.own_and_other(given["self_excitation"])
    everyone = _over(b, "sum", s_in, range(len(s_in.shape)))
    own_part = b.elementwise("*", b.number(float(own - other)), s_in, kind="float")
    return b.elementwise("+", own_part, b.elementwise("*", b.number(float(other)), everyone))


def _affine(b: Builder, process: Any, given: Mapping[str, Array], s_in: Tensor) -> Tensor:
    """Normalisation with running statistics: a factor and an offset for each channel."""
    view = (-1,) + (1,) * (len(s_in.shape) - 1)
    if type(process) is BatchNorm:
        scale = given["weight"] / np.sqrt(given["var"] + process.eps)
        shift = given["bias"] - given["mean"] * scale
        scaled = b.elementwise("*", s_in, b.constant("scale", scale.reshape(view)))
        return b.elementwise("+", scaled, b.constant("shift", shift.reshape(view)))
    taken = np.asarray(process.quantize(given["mean"]))
    centred = b.elementwise("-", s_in, b.constant("mean", taken.reshape(view)))
    if type(process) is MeanOnlyBatchNorm:
        return centred
    return b.elementwise("*", centred, b.number(2.0 ** -process.exponent(given["var"])))


def _divisive(b: Builder, process: Any, given: Mapping[str, Array], s_in: Tensor) -> Tensor:
    positive = b.elementwise("max", s_in, b.number(0.0))
    squares = b.elementwise("*", positive, positive)
    total = _over(b, "sum", squares, range(len(s_in.shape)))
    sigma, k = (b.number(float(given[n])) for n in ("sigma", "k"))
    return b.elementwise(
        "/", squares, b.elementwise("+", sigma, b.elementwise("*", k, total), kind="float")
    )


def _reshaped(b: Builder, process: Any, given: Mapping[str, Array], s_in: Tensor) -> Tensor:
    return b.reshaped(s_in, _out_shape(b))


def _mean(b: Builder, process: Any, given: Mapping[str, Array], s_in: Tensor) -> Tensor:
    """The mean of what stands together once it is reshaped to (means, ..., rest)."""
    shape = s_in.shape
    if type(process) is GroupMean:
        grouped = b.reshaped(s_in, (process.groups, shape[0] // process.groups, *shape[1:]))
        return b.reshaped(_over(b, "mean", grouped, [1]), _out_shape(b))
    first = 1 if process.per == "channel" else 0
    axes = range(first, len(shape))
    return b.reshaped(_over(b, "mean", s_in, axes), _out_shape(b)) if axes else s_in


def _product(b: Builder, process: Any, given: Mapping[str, Array], *both: Tensor) -> Tensor:
    if type(process) is Einsum:
        products = _sent(b, "einsum", *both, equation=process.equation)
        scale = process.scale
        return products if scale == 1 else b.elementwise("*", products, b.number(scale))
    s_in, gate = both
    view = gate.shape + (1,) * (len(s_in.shape) - len(gate.shape))
    return b.elementwise("*", s_in, b.reshaped(gate, view))


def _concat(b: Builder, process: Concat, given: Mapping[str, Array], *parts: Tensor) -> Tensor:
    return b.joined(*parts, axis=process.axis)


def matrix(b: Builder, process: Any, form: Matrix | Rows, s_in: Tensor) -> Tensor:
    """Any other linear map that holds nothing, by its form in the event engine."""
    shape = _out_shape(b)
    if isinstance(form, Rows):
        if process.states(False) or form.delay.any() or form.weight.ndim > 1:
            raise b.refuse("is a map over time that the step graph has no words for")
        weight = _matrix(b, form, math.prod(shape))
    else:
        weight = form.by_source.T
    flat = b.reshaped(s_in, (math.prod(s_in.shape),))
    constant = None if form.constant is None else np.ravel(form.constant)
    return b.reshaped(_linear(b, flat, weight, constant), shape)


MAPS: Mapping[type, Said] = {
    ArraySource: played,
    AvgPool2d: _pool,
    BatchNorm: _affine,
    Concat: _concat,
    Conv1d: _conv1d,
    Conv2d: _conv,
    ConvTranspose2d: _conv,
    Delay: delayed,
    Dense: _dense,
    DivisiveNorm: _divisive,
    Einsum: _product,
    Flatten: _reshaped,
    GlobalAvgPool: _mean,
    GroupMean: _mean,
    LateralInhibition: _lateral,
    MaxPool2d: _pool,
    MeanOnlyBatchNorm: _affine,
    Multiply: _product,
    Reshape: _reshaped,
    Sparse: _sparse,
    SpikeSource: played_spikes,
    SumPool2d: _pool,
    TemporalLinear: mixed_over_time,
    Unpool2d: _pool,
    WeightScaleBatchNorm: _affine,
}


def _out_shape(b: Builder) -> Shape:
    process = b.circuit.processes[b.path]
    return b.circuit.signals[f"{b.path}.{next(iter(process.out_specs))}"].shape


def _sent(b: Builder, op: str, *inputs: Tensor, **said: Any) -> Tensor:
    """An operation whose result leaves the process."""
    result: Tensor = b.emit(op, *inputs, shape=_out_shape(b), **said)
    return result


def _linear(b: Builder, x: Tensor, weight: Any, bias: Any = None) -> Tensor:
    constants = [b.constant("weight", np.asarray(weight))]
    if bias is not None:
        constants.append(b.constant("bias", np.asarray(bias)))
    result: Tensor = b.emit("linear", x, *constants, shape=(weight.shape[0],))
    return result


def _matrix(b: Builder, form: Rows, size: int, slots: int = 1) -> Array:
    """Connections as a matrix, by place of the output: its delay, then its target."""
    inputs = len(form.offsets) - 1
    if inputs * slots * size > MOST:
        raise b.refuse(
            f"would be a matrix of {inputs} x {slots * size} weights, more than {MOST:,}"
        )
    sources = np.arange(inputs).repeat(np.diff(form.offsets))
    entries = np.zeros((slots * size, inputs))
    delay, weight = (np.broadcast_to(x, form.targets.shape) for x in (form.delay, form.weight))
    np.add.at(entries, (delay.astype(int) * size + form.targets, sources), weight)
    return entries


def _over(b: Builder, op: str, x: Tensor, axes: Any) -> Tensor:
    """Sums or means over axes, which stay with size 1."""
    shape = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    result: Tensor = b.emit(op, x, shape=shape, axes=tuple(axes))
    return result
