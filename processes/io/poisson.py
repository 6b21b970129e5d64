"""Random spikes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bidl_sim.core.fields import Dims, Flag
from bidl_sim.core.forms import Form, RandomCounts, RandomSpikes
from bidl_sim.core.param import NON_NEGATIVE, Param
from bidl_sim.core.port import Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.typing import Array, Shape, Value

if TYPE_CHECKING:
    from torch import Tensor

MOST = 64
"""Largest mean number of events in a step."""

GUIDE = 4096
"""Into so many equal parts the search for a count divides [0, 1)."""


class Poisson(Process):
    """Independent random spikes.

    In every step each neuron fires with probability ``rate``: ``s_out = 1 if u < rate else 0``,
    with new numbers u, uniform in [0, 1), in every step, from a stream fixed by the simulator's
    seed and the path of the process.

    With ``counts`` a neuron stands for a Poisson process that has ``rate`` events a step in the
    mean, any number of them: ``s_out = size k``, with k the smallest number whose cumulative
    probability exceeds u.

    Parameters
    ----------
    shape : int or tuple of int
    rate : spikes per neuron and step (rate in Hz times dt in s)
        In [0, 1], a number or one per neuron; with ``counts`` one number up to 64. Samples of a
        batch are independent.
    counts : default False
    size : default 1
        With ``counts``, what one event adds.

    Ports
    -----
    s_out : (*shape)
    """

    shape: Dims = Dims()
    rate: Param = Param(0.1, within=NON_NEGATIVE, learnable=False)
    counts: Flag = Flag(False)
    size: Param = Param(1.0, learnable=False)

    s_out = Out()

    def __post_init__(self) -> None:
        most = MOST if self.counts else 1
        if np.any(self.rate > most):
            raise ParameterError(
                f"{self.where}, rate",
                f"must be at most {most}, got {self.rate.max():g}",
                "" if self.counts else "set counts=True for several events in a step",
            )
        if self.counts and self.rate.shape:
            raise ShapeError(f"{self.where}, rate", "must be one number where counts=True")
        if self.size.shape:
            raise ShapeError(f"{self.where}, size", "must be one number")
        super().__post_init__()

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        return {"s_out": Signal(self.shape)}

    def check_parameters(self, signal: Signal | None) -> None:
        shape: Shape = self.rate.shape
        if shape not in ((), self.shape):
            raise ShapeError(
                f"{self.where}, rate", f"must be a number or of shape {self.shape}, got {shape}"
            )

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Form:
        if not self.counts:
            return RandomSpikes(parameters["rate"])
        below = cumulative(float(self.rate)).astype(parameters["rate"].dtype)
        guide = np.searchsorted(below, np.arange(GUIDE + 1) / GUIDE, side="right")
        return RandomCounts(below, guide, float(self.size))

    def bind_draw(
        self, parameters: Mapping[str, Tensor], training: bool
    ) -> Callable[[Any, Any], Any]:
        """The function from uniform numbers to spikes."""
        import torch

        if not self.counts:
            return lambda uniform, rate: (uniform < rate) * (uniform * 0 + 1)
        below = torch.from_numpy(cumulative(float(self.rate))).to(parameters["rate"])
        size = parameters["size"]
        return lambda uniform, rate: torch.bucketize(uniform, below, right=True) * size

    def step(self, uniform: Value, rate: Value, draw: Callable[[Value, Value], Value]) -> Value:
        return draw(uniform, rate)


def cumulative(mean: float) -> Array:
    """Probabilities of at most 0, 1, 2, ... events, up to where a double sees no difference."""
    terms = [math.exp(-mean)]
    while terms[-1] > 1e-18 or len(terms) <= mean:
        terms.append(terms[-1] * mean / len(terms))
    below: Array = np.minimum(np.cumsum(terms), 1.0)
    return below
