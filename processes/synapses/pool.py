"""Pooling over height and width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Maybe, MaybePair, Pair, Real
from bidl_sim.core.forms import Largest, Rows
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.processes.synapses.rows import window_rows
from bidl_sim.processes.synapses.window import output_size, taps
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from torch import Tensor


class Pool2d(Process, abstract=True):
    """Base of the pools: one value for each window of each channel.

    Parameters
    ----------
    kernel_size : int or (height, width)
    stride : int or (height, width), default kernel_size
    padding : int or (height, width), default 0, at most half the kernel

    Ports
    -----
    s_in : (channel, height, width)
    a_out : (channel, height', width')
    """

    kernel_size: Pair = Pair()
    stride: MaybePair = Maybe(Pair())
    padding: Pair = Pair(0, low=0)

    s_in = In()
    a_out = Out()

    def __post_init__(self) -> None:
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ParameterError(
                f"{self.where}, padding",
                f"must be at most half of kernel_size {self.kernel_size}, got {self.padding}",
            )
        super().__post_init__()

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        given = inputs.get("s_in")
        if given is None:
            return None
        stride = self.stride or self.kernel_size
        size = output_size(f"{self.where}, s_in", given, self.kernel_size, stride, self.padding)
        return {"a_out": Signal((given.shape[0], *size), timed=given.timed)}

    def sum_rows(self, signal: Signal, scale: float) -> Rows:
        """The sum of each window times ``scale``, by source."""
        stride = self.stride or self.kernel_size
        outputs = output_size(self.where, signal, self.kernel_size, stride, self.padding)
        channels = signal.shape[0]
        weight = np.full((channels, 1, *self.kernel_size), scale)
        both = taps(signal.shape[1:], outputs, self.kernel_size, stride, self.padding)
        return window_rows(self.where, signal, outputs, both, weight, channels)


class AvgPool2d(Pool2d):
    """The mean of each window; the zeros of the padding count.

    Parameters
    ----------
    kernel_size, stride, padding
        See `Pool2d`, with the ports.
    """

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        return self.sum_rows(signal, 1 / (self.kernel_size[0] * self.kernel_size[1]))

    def step(self, s_in: Tensor) -> Tensor:
        from torch.nn.functional import avg_pool2d

        return avg_pool2d(s_in, self.kernel_size, self.stride, self.padding)


class SumPool2d(Pool2d):
    """The sum of each window, times a weight.

    Parameters
    ----------
    kernel_size, stride, padding
        See `Pool2d`, with the ports.
    weight : one number, default 1
    """

    weight: Real = Real(1.0)

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        return self.sum_rows(signal, self.weight)

    def step(self, s_in: Tensor) -> Tensor:
        from torch.nn.functional import avg_pool2d

        sums = avg_pool2d(s_in, self.kernel_size, self.stride, self.padding, divisor_override=1)
        return sums if self.weight == 1 else sums * self.weight


class MaxPool2d(Pool2d):
    """The largest value of each window; the padding does not count.

    Parameters
    ----------
    kernel_size, stride, padding
        See `Pool2d`, with the ports.
    """

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Largest:
        rows = self.sum_rows(signal, 1.0)
        sources = np.repeat(np.arange(len(rows.offsets) - 1, dtype=np.int32), np.diff(rows.offsets))
        order = np.argsort(rows.targets, kind="stable")
        offsets = np.concatenate([[0], np.cumsum(np.bincount(rows.targets))])
        return Largest(offsets, sources[order])

    def step(self, s_in: Tensor) -> Tensor:
        from torch.nn.functional import max_pool2d

        return max_pool2d(s_in, self.kernel_size, self.stride, self.padding)
