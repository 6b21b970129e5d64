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
FUNCTIONS: dict[str, Callable[[Value], Value]] = {
    **ACTIVATIONS,
    "nonzero": lambda x: where(abs(x) > 0, 1.0, 0.0),
}
"""With those that nothing is trained through."""


class Activation(Process):
    """``a_out = f(s_in)``.

    Parameters
    ----------
    function : "relu", "tanh", "sigmoid", "identity" or "nonzero"
        What f is; "nonzero" is 1 everywhere but at 0.

    Ports
    -----
    s_in, a_out : any shape
    """

    function: Choice = Choice(FUNCTIONS, "relu")

    s_in = In()
    a_out = Out()

    def step(self, s_in: Value) -> Value:
        return FUNCTIONS[self.function](s_in)
