"""What `Conv2d` and `ConvTranspose2d` share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bidl_sim.core.fields import Int, Pair
from bidl_sim.core.forms import Rows
from bidl_sim.core.port import Signal
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.processes.synapses.rows import window_rows
from bidl_sim.processes.synapses.synapse import Synapse
from bidl_sim.processes.synapses.weights import WeightedSynapse
from bidl_sim.processes.synapses.window import Taps
from bidl_sim.typing import Array


class _Sizes(Synapse, abstract=True):
    """Stands first, so that sizes come before weights among the arguments."""

    in_channels: Int = Int()
    out_channels: Int = Int()
    kernel_size: Pair = Pair()
    stride: Pair = Pair(1)
    padding: Pair = Pair(0, low=0)
    dilation: Pair = Pair(1)
    groups: Int = Int(1)


class Convolution(WeightedSynapse, _Sizes, abstract=True):
    """A kernel moved over height and width, within groups of channels."""

    def __post_init__(self) -> None:
        for name in ("in_channels", "out_channels"):
            channels = getattr(self, name)
            if channels % self.groups:
                raise ParameterError(
                    f"{self.where}, groups",
                    f"must divide {name}; {channels} is no multiple of {self.groups}",
                )
        super().__post_init__()

    def output_size(self, where: str, signal: Signal) -> tuple[int, int]:
        """Height and width of what is sent."""
        raise NotImplementedError

    def taps(self, signal: Signal) -> tuple[Taps, Taps]:
        """Along height and along width: sources, targets, and the tap of the kernel between."""
        raise NotImplementedError

    def as_forward(self, weight: Array) -> Array:
        """A weight in the order ``(out_channels, in_channels / groups, height, width)``."""
        return weight

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        given = inputs.get("s_in")
        if given is None:
            return None
        where = f"{self.where}, s_in"
        size = self.output_size(where, given)
        if given.shape[0] != self.in_channels:
            raise ShapeError(
                where, f"takes {self.in_channels} channels, receives shape {given.shape}"
            )
        return {"a_out": Signal((self.out_channels, *size), timed=given.timed)}

    def fan_out(self, signal: Signal) -> Array:
        mask = np.ones(self.weight_shape) if "mask" in self.left_out else self.mask
        used = self.as_forward(mask)
        used = used.reshape(self.groups, -1, *used.shape[1:])
        reached = []
        for size, kernel, (source, _, tap) in zip(
            signal.shape[1:], self.kernel_size, self.taps(signal), strict=True
        ):
            reached.append(np.zeros((size, kernel), int))
            np.add.at(reached[-1], (source, tap), 1)
        counts: Array = np.einsum("goikl,yk,xl->giyx", used, *reached).astype(int)
        return counts.reshape(signal.shape)

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        size = self.output_size(self.where, signal)
        weight = self.as_forward(self.effective_weight(parameters))
        rows = window_rows(self.where, signal, size, self.taps(signal), weight, self.groups)
        bias = self.effective_bias(parameters)
        return rows if bias is None else replace(rows, constant=bias.repeat(size[0] * size[1]))
