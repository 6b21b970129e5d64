"""Neurons that silence each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Maybe
from bidl_sim.core.forms import Matrix
from bidl_sim.core.param import UNIT, Param
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.processes.quantization import Grid, OnGrid
from bidl_sim.typing import Array, Shape, Value

if TYPE_CHECKING:
    from torch import Tensor


class LateralInhibition(Process):
    """Every neuron inhibits all others by 1 and excites itself: ``a_out = R s_in``.

    R has ``self_excitation`` on the diagonal and -1 elsewhere. Connected from a population back to
    itself with delay 1 it lets few neurons win; with a bias of threshold (N - 2 K) / N on their
    input, about K of N::

        net.connect(neurons, inhibition, delay=1)
        net.connect(inhibition, neurons)

    Parameters
    ----------
    self_excitation : in [0, 1], default 0.5, learned
    quantize : Grid or (scale, bits)
        Use the nearest numbers on this grid; gradients pass as if it were not there.

    Ports
    -----
    s_in, a_out : any shape

    References
    ----------
    Maass, On the computational power of winner-take-all, 2000; the KWTA block of lava-dl.
    """

    self_excitation: Param = Param(0.5, within=UNIT, learned=True)
    quantize: Maybe[tuple[int, int], Grid] = Maybe(OnGrid())

    s_in = In()
    a_out = Out()

    def parameter_shapes(self, signal: Signal | None) -> Mapping[str, Shape]:
        return {"self_excitation": ()}

    def fan_out(self, signal: Signal) -> Array:
        return np.full(signal.shape, math.prod(signal.shape))

    def own_and_other(self, self_excitation: Value) -> tuple[Value, float]:
        """What a neuron gets from itself, and from each other one."""
        if self.quantize is None:
            return self_excitation, -1.0
        return self.quantize(self_excitation), float(self.quantize(-1.0))

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Matrix:
        size = math.prod(signal.shape)
        own, other = self.own_and_other(parameters["self_excitation"])
        return Matrix(np.where(np.eye(size, dtype=bool), own, other))

    def step(self, s_in: Tensor, self_excitation: Tensor) -> Tensor:
        own, other = self.own_and_other(self_excitation)
        everyone = s_in.flatten(1).sum(1).view(-1, *[1] * (s_in.dim() - 1))
        a_out: Tensor = (own - other) * s_in + other * everyone
        return a_out
