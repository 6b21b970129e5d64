"""How a synapse of lava-dl is made: again for each shape of its input, with the same weights."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.processes import Conv2d, Dense, SumPool2d, Unpool2d
from bidl_sim.processes.quantization import Grid
from bidl_sim.slayer.utils.quantization import quantize_hook_fx
from bidl_sim.typing import Array, Shape

Size = Any
"""A number, or (height, width)."""


class Plan(Protocol):
    """Makes a synapse."""

    @property
    def smallest(self) -> Shape:
        """The smallest shape of an input."""

    def channels_of(self, shape: Shape) -> int:
        """How many channels there are behind the synapse."""

    def arranged(self, x: Tensor) -> Tensor:
        """Values ``(batch, channel, ..., time)`` in the shape that the synapse takes."""

    def __call__(self, name: str) -> Process:
        """A synapse; of the same name always with the same first weights."""


@dataclass
class Weights:
    """What weights begin with, and how they are used.

    Attributes
    ----------
    scale
        Times what torch's layers begin with.
    norm
        Learn length and direction of each output's weights apart.
    hook
        The numbers that they are rounded to, see `grid_of`.
    mask
        0 where there is no synapse.
    """

    scale: float = 1.0
    norm: bool = False
    hook: Any = None
    mask: Any = None
    first: dict[str, Array] = field(default_factory=dict)

    def drawn(self, name: str, shape: Shape, inputs: int) -> Array:
        """First weights of the synapse of this name."""
        if name not in self.first:
            bound = 1 / math.sqrt(inputs)
            weight = torch.empty(shape).uniform_(-bound, bound) * self.scale
            self.first[name] = weight.numpy()
        return self.first[name]

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of a synapse."""
        options = {"bias": False, "weight_norm": self.norm, "quantize": grid_of(self.hook)}
        return options if self.mask is None else options | {"mask": self.mask}


@dataclass
class DensePlan:
    """All to all; ``in_neurons`` may be a shape, whose axes are then taken as one."""

    in_neurons: Any
    out_neurons: int
    weights: Weights

    def __post_init__(self) -> None:
        if isinstance(self.in_neurons, (tuple, list)):
            self.in_neurons = math.prod(self.in_neurons)

    @property
    def smallest(self) -> Shape:
        return (self.in_neurons,)

    def channels_of(self, shape: Shape) -> int:
        return self.out_neurons

    def arranged(self, x: Tensor) -> Tensor:
        return x.flatten(1, -2) if x.dim() > 3 else x

    def __call__(self, name: str) -> Process:
        weight = self.weights.drawn(name, (self.out_neurons, self.in_neurons), self.in_neurons)
        return Dense(self.in_neurons, self.out_neurons, weight=weight, **self.weights.options)


@dataclass
class ConvPlan:
    """A convolution, or another ``process`` with a kernel."""

    process: Callable[..., Any]
    in_features: int
    out_features: int
    kernel_size: Size
    stride: Size
    padding: Size
    dilation: Size
    groups: int
    weights: Weights

    @property
    def smallest(self) -> Shape:
        sizes = zip(pair(self.kernel_size), pair(self.dilation), strict=True)
        return (self.in_features, *((k - 1) * d + 1 for k, d in sizes))

    def channels_of(self, shape: Shape) -> int:
        return self.out_features

    def arranged(self, x: Tensor) -> Tensor:
        return x

    def __call__(self, name: str) -> Process:
        made: Conv2d = self.process(
            self.in_features,
            self.out_features,
            kernel_size=pair(self.kernel_size),
            stride=pair(self.stride),
            padding=pair(self.padding),
            dilation=pair(self.dilation),
            groups=self.groups,
            **self.weights.options,
        )
        inputs = math.prod(made.weight_shape[1:])
        made.weight = self.weights.drawn(name, made.weight_shape, inputs)
        return made


class PoolPlan:
    """Windows with one fixed weight. Height and width are filled up to whole windows.

    Parameters
    ----------
    process : SumPool2d or Unpool2d
    kernel_size, stride, padding
    weights
        Their scale is the weight.
    dilation : 1
    """

    def __init__(
        self,
        process: type[SumPool2d] | type[Unpool2d],
        kernel_size: Size,
        stride: Size,
        padding: Size,
        dilation: Size,
        weights: Weights,
    ) -> None:
        if pair(dilation) != (1, 1) or weights.norm:
            raise ParameterError(
                process.__name__,
                "has one fixed weight and no dilation: weight_norm and dilation mean nothing",
                "leave them out",
            )
        self.process, self.weights = process, weights
        self.kernel_size, self.padding = pair(kernel_size), pair(padding)
        self.stride = self.kernel_size if stride is None else pair(stride)

    @property
    def smallest(self) -> Shape:
        return (1, *self.kernel_size)

    def channels_of(self, shape: Shape) -> int:
        return shape[0]

    def arranged(self, x: Tensor) -> Tensor:
        tiles = self.stride == self.kernel_size and self.padding == (0, 0)
        if self.process is not SumPool2d or not tiles:
            return x
        height, width = (-n % k for n, k in zip(x.shape[2:4], self.kernel_size, strict=True))
        return torch.nn.functional.pad(x, (0, 0, 0, width, 0, height)) if height or width else x

    def __call__(self, name: str) -> Process:
        weight = torch.tensor(float(self.weights.scale), dtype=torch.float64)
        grid = grid_of(self.weights.hook)
        used = float(grid(weight) if grid else weight)
        return self.process(self.kernel_size, self.stride, self.padding, weight=used)


def grid_of(hook: Any) -> Grid | None:
    """The numbers that a ``pre_hook_fx`` rounds to.

    It is None or False for all numbers, a `Grid`, or `quantize_hook_fx`, also as a
    `functools.partial` of it with ``scale`` and ``num_bits``.
    """
    if hook is None or hook is False:
        return None
    if isinstance(hook, Grid):
        return hook
    given: Any = hook if isinstance(hook, functools.partial) else functools.partial(hook)
    known = {"scale": 64, "num_bits": 8}
    if given.func is not quantize_hook_fx or given.args or not set(given.keywords) <= set(known):
        raise ParameterError(
            "pre_hook_fx",
            f"must be a Grid, quantize_hook_fx or None, got {hook!r}",
            "describe the numbers by bidl_sim.processes.quantization.Grid(scale, bits)",
        )
    options = known | given.keywords
    return Grid(options["scale"], options["num_bits"] + 1)


def pair(value: Any) -> tuple[int, int]:
    """(height, width) of one number or two."""
    if isinstance(value, (tuple, list)):
        height, width = value
        return int(height), int(width)
    return int(value), int(value)
