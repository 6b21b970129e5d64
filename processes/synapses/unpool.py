"""From one value to all of a window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Maybe, MaybePair, Pair, Real
from bidl_sim.core.forms import Rows
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.processes.synapses.rows import window_rows
from bidl_sim.processes.synapses.window import taps, transposed, transposed_size
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from torch import Tensor


class Unpool2d(Process):
    """Each value goes, times ``weight``, to all places of its window: the transpose of `SumPool2d`.

    Where windows overlap, what they bring is summed.

    Parameters
    ----------
    kernel_size : int or (height, width)
    stride : int or (height, width), default kernel_size
    padding : int or (height, width), default 0
        So many rows and columns are left away at each side.
    weight : one number, default 1

    Ports
    -----
    s_in : (channel, height, width)
    a_out : (channel, height', width')
    """

    kernel_size: Pair = Pair()
    stride: MaybePair = Maybe(Pair())
    padding: Pair = Pair(0, low=0)
    weight: Real = Real(1.0)

    s_in = In()
    a_out = Out()

    @property
    def window(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """Kernel, stride and padding."""
        return self.kernel_size, self.stride or self.kernel_size, self.padding

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        given = inputs.get("s_in")
        if given is None:
            return None
        size = transposed_size(f"{self.where}, s_in", given, *self.window)
        return {"a_out": Signal((given.shape[0], *size), timed=given.timed)}

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        size = transposed_size(self.where, signal, *self.window)
        both = transposed(taps(size, signal.shape[1:], *self.window))
        weight = np.full((signal.shape[0], 1, *self.kernel_size), self.weight)
        return window_rows(self.where, signal, size, both, weight, signal.shape[0])

    def step(self, s_in: Tensor) -> Tensor:
        from torch.nn.functional import conv_transpose2d

        channels, (_, stride, padding) = s_in.shape[1], self.window
        kernel = s_in.new_full((channels, 1, *self.kernel_size), self.weight)
        return conv_transpose2d(s_in, kernel, None, stride, padding, groups=channels)
