"""A threshold without a potential behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.param import Param
from bidl_sim.processes.neurons.thresholded import Comparing
from bidl_sim.typing import Value


class Threshold(Comparing):
    """The Heaviside function of the input.

    ::

        s_out = 1 if a_in > threshold else 0

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`.
    threshold : default 1
    compare : "gt" or "ge"
        With "ge" an input that is equal gives 1 too.

    References
    ----------
    Threshold of NIR.
    """

    _: KW_ONLY
    threshold: Param = Param(1.0)

    def step(self, a_in: Value, threshold: Value, fire: Callable[[Value], Value]) -> Value:
        return self.above(fire, a_in, threshold)
