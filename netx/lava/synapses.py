"""Between our synapses and the weights of .net files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError
from bidl_sim.netx.lava.file import Layer
from bidl_sim.processes import Conv2d, ConvTranspose2d, Dense, SumPool2d, Unpool2d
from bidl_sim.processes.quantization import Grid
from bidl_sim.typing import Array, Shape

# -- a file's to ours ----------------------------------------------------------------------------


def synapse(layer: Layer, part: str, unit: float) -> Process:
    """The synapse of a layer; ``part`` is "/real" or "/imag" of a pair, ``unit`` one mantissa."""
    weight = _weight(layer, f"weight{part}")
    if layer.kind in ("pool", "unpool"):
        kind = SumPool2d if layer.kind == "pool" else Unpool2d
        return kind(*_window(layer, weight), weight=_constant(layer, weight) * unit)
    if layer.kind in ("dense", "dense_rec"):
        outputs, inputs = weight.shape
        _agree(layer, "inFeatures", inputs)
        _agree(layer, "outFeatures", outputs)
        return Dense(inputs, outputs, **_weighted(weight, unit))
    return _convolution(layer, weight, unit)


def feedback(layer: Layer, part: str, unit: float) -> Process:
    """The synapses between the neurons of a recurrent layer."""
    weight = _weight(layer, f"weight_rec{part}")
    size = math.prod(layer.shape)
    if weight.shape != (size, size):
        raise FormatError(
            f"{layer.where}/weight_rec{part}", f"must be of shape {(size, size)}, is {weight.shape}"
        )
    return Dense(size, size, **_weighted(weight, unit))


def _convolution(layer: Layer, weight: Array, unit: float) -> Process:
    transposed = layer.kind == "convT"
    inputs, outputs, groups = (layer.integer(n) for n in ("inChannels", "outChannels", "groups"))
    if groups < 1 or inputs % groups or outputs % groups:
        raise FormatError(
            f"{layer.where}/groups", f"is {groups}, of {inputs} and {outputs} channels"
        )
    wanted = (inputs, outputs // groups) if transposed else (outputs, inputs // groups)
    if weight.shape[:2] != wanted:
        raise FormatError(
            f"{layer.where}/weight", f"is of shape {weight.shape}, wanted {(*wanted, '...')}"
        )
    kernel, stride, padding = _window(layer, weight)
    kind = ConvTranspose2d if transposed else Conv2d
    return kind(
        inputs,
        outputs,
        kernel,
        stride=stride,
        padding=padding,
        dilation=layer.pair("dilation"),
        groups=groups,
        **_weighted(weight, unit),
    )


def _weighted(weight: Array, unit: float) -> dict[str, Any]:
    """Arguments for a weight, which stays on its grid in training if it is there."""
    grid = Grid(round(1 / unit), 8)
    values = weight * unit
    on_grid = np.array_equal(grid(values), values)
    return {"weight": values, "bias": False, "quantize": grid if on_grid else None}


def _weight(layer: Layer, name: str) -> Array:
    """A weight: ``(outputs, inputs)``, or with a kernel ``(outputs, inputs, height, width)``."""
    weight = layer.array(name).astype(np.float64)
    if not np.array_equal(weight, np.trunc(weight)):
        raise FormatError(f"{layer.where}/{name}", "must hold whole numbers")
    if layer.kind.startswith("dense"):
        if weight.ndim == 1 and weight.size % math.prod(layer.shape) == 0:  # of one neuron
            weight = weight.reshape(math.prod(layer.shape), -1)
        if weight.ndim > 2 and weight.shape[2:] == (1,) * (weight.ndim - 2):
            weight = weight.reshape(weight.shape[:2])
        dims = 2
    else:
        if weight.ndim == 5 and weight.shape[-1] == 1:  # an axis for time
            weight = weight[..., 0]
        dims = 4
    if weight.ndim != dims:
        raise FormatError(
            f"{layer.where}/{name}", f"must have {dims} axes, is of shape {weight.shape}"
        )
    return weight


def _window(layer: Layer, weight: Array) -> tuple[Any, Any, Any]:
    """Kernel size, stride and padding."""
    kernel = layer.pair("kernelSize")
    if kernel != weight.shape[2:]:
        raise FormatError(
            f"{layer.where}/kernelSize", f"is {kernel}, the weight has {weight.shape[2:]}"
        )
    if layer.kind.endswith("pool") and layer.pair("dilation") != (1, 1):
        raise FormatError(f"{layer.where}/dilation", "must be (1, 1)")
    return kernel, layer.pair("stride"), layer.pair("padding")


def _constant(layer: Layer, weight: Array) -> float:
    if weight.shape[:2] != (1, 1) or np.any(weight != weight.flat[0]):
        raise FormatError(f"{layer.where}/weight", "must be one number for the whole window")
    return float(weight.flat[0])


def _agree(layer: Layer, name: str, found: int) -> None:
    if name in layer.members and layer.integer(name) != found:
        raise FormatError(
            f"{layer.where}/{name}", f"is {layer.integer(name)}, the weight has {found}"
        )


# -- ours to a file's ----------------------------------------------------------------------------


def synapse_members(synapses: Mapping[str, Process], scale: int) -> dict[str, Any]:
    """Sizes and weights of a layer's synapse: ``""`` one, or ``/real`` and ``/imag`` of a pair.

    ``scale`` is how many mantissas are 1.0.
    """
    first: Any = next(iter(synapses.values()))
    members: dict[str, Any] = {}
    if isinstance(first, Dense):
        members["inFeatures"] = np.int64(first.in_features)
        members["outFeatures"] = np.int64(first.out_features)
    elif isinstance(first, (Conv2d, ConvTranspose2d)):
        members["inChannels"] = np.int64(first.in_channels)
        members["outChannels"] = np.int64(first.out_channels)
        members["groups"] = np.int64(first.groups)
    if not isinstance(first, Dense):
        members["kernelSize"] = np.array(first.kernel_size, np.int64)
        members["stride"] = np.array(first.stride or first.kernel_size, np.int64)
        members["padding"] = np.array(first.padding, np.int64)
        members["dilation"] = np.array(getattr(first, "dilation", (1, 1)), np.int64)
    for part, process in synapses.items():
        members[f"weight{part}"] = mantissas(process, scale)
    return members


def mantissas(synapse: Any, scale: int) -> Array:
    """The weights that are used, in a chip's whole numbers."""
    if isinstance(synapse, (SumPool2d, Unpool2d)):
        found = np.full((1, 1, *synapse.kernel_size), scale * synapse.weight)
    else:
        found = scale * np.asarray(synapse.effective_weight(synapse.parameters()), np.float64)
    if np.any(found != np.rint(found)) or np.any(np.abs(found) > 256):
        raise FormatError(
            f"{synapse.where}, weight",
            f"must be whole multiples of 1 / {scale} in [-256, 256] / {scale}",
            "train it with quantize=Grid(64, 8), or bidl convert --quantize",
        )
    return found.astype(np.float32)


def input_shape(layer: Layer) -> Shape:
    """The smallest input that gives a layer's output."""
    if layer.kind.startswith("dense"):
        return (_weight(layer, f"weight{layer.parts[0]}").shape[1],)
    if layer.kind in ("input", "flatten", "average") or len(layer.shape) != 3:
        return layer.shape
    weight = _weight(layer, f"weight{layer.parts[0]}")
    kernel, stride, padding = _window(layer, weight)
    dilation = layer.pair("dilation")
    sizes = []
    for n, k, s, p, d in zip(layer.shape[1:], kernel, stride, padding, dilation, strict=True):
        reach = d * (k - 1) + 1
        if layer.kind in ("convT", "unpool"):
            sizes.append((n + 2 * p - reach) // s + 1)
        else:
            sizes.append((n - 1) * s + reach - 2 * p)
    channels = layer.integer("inChannels") if "inChannels" in layer.members else layer.shape[0]
    return (channels, *sizes)
