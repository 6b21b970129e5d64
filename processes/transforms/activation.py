"""Elementwise functions without state."""

from __future__ import annotations

from collections.abc import Callable

from bidl_sim.core.fields import Choice
from bidl_sim.core.intrinsics import exp, tanh, where
from bidl_sim.core.port import In, Out
from bidl_sim.core.process import Process
from bidl_sim.typing import Value

ACTIVATIONS: dict[str, Callable[[Value], Value]] = {
    "relu": lambda x: where(x <= 0, 0.0, x),
    "tanh": tanh,
    "sigmoid": lambda x: 1 / (1 + exp(-x)),
    "identity": lambda x: x,
}


class Activation(Process):
    """``a_out = f(s_in)``.

    Parameters
    ----------
    function : "relu", "tanh", "sigmoid" or "identity"
        What f is.

    Ports
    -----
    s_in, a_out : any shape
    """

    function: Choice = Choice(ACTIVATIONS, "relu")

    s_in = In()
    a_out = Out()

    def step(self, s_in: Value) -> Value:
        return ACTIVATIONS[self.function](s_in)
