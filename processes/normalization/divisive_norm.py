"""Inhibition that divides: each neuron by all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bidl_sim.core.forms import SquaresOverTheirSum
from bidl_sim.core.param import NON_NEGATIVE, POSITIVE, Param
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import ShapeError
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from torch import Tensor


class DivisiveNorm(Process):
    """Squares, normalised over the population: ``a_out = x^2 / (sigma + k sum x^2)``.

    x is s_in where that is above 0, and 0 elsewhere; the sum is over all neurons of a sample.

    Parameters
    ----------
    sigma : > 0, default 1
    k : >= 0, default 1

    Ports
    -----
    s_in, a_out : any shape

    References
    ----------
    Carandini and Heeger, Nat. Rev. Neurosci. 13 (2012), with exponent 2.
    """

    sigma: Param = Param(1.0, within=POSITIVE)
    k: Param = Param(1.0, within=NON_NEGATIVE)

    s_in = In()
    a_out = Out()

    def check_parameters(self, signal: Signal | None) -> None:
        for name, value in self.parameters().items():
            if value.shape:
                raise ShapeError(f"{self.where}, {name}", f"must be one number, got {value.shape}")

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> SquaresOverTheirSum:
        return SquaresOverTheirSum(float(parameters["sigma"]), float(parameters["k"]))

    def step(self, s_in: Tensor, sigma: Tensor, k: Tensor) -> Tensor:
        squares = s_in.relu() ** 2
        total = squares.flatten(1).sum(1).reshape(-1, *[1] * (s_in.dim() - 1))
        return squares / (sigma + k * total)
