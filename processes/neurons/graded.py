"""Values sent as they arrive, where they are large enough."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Int
from bidl_sim.core.intrinsics import floor, straight_through, where
from bidl_sim.core.neuron import Population
from bidl_sim.core.param import NON_NEGATIVE, Param
from bidl_sim.core.port import In
from bidl_sim.typing import Value


class GradedVec(Population):
    """``s_out = a_in`` where ``|a_in| > threshold``, else 0.

    Parameters
    ----------
    shape, n
        See `Population`.
    threshold : >= 0, default 0

    References
    ----------
    GradedVec of Lava.
    """

    _: KW_ONLY
    threshold: Param = Param(0.0, within=NON_NEGATIVE)

    a_in = In()

    def step(self, a_in: Value, threshold: Value) -> Value:
        return where(abs(a_in) > threshold, a_in, 0.0)


class GradedReLUVec(GradedVec):
    """``s_out = a_in`` where ``a_in > threshold``, else 0.

    Parameters
    ----------
    shape, n, threshold
        See `GradedVec`.

    References
    ----------
    GradedReluVec of Lava.
    """

    def step(self, a_in: Value, threshold: Value) -> Value:
        return where(a_in > threshold, a_in, 0.0)


class ProductNeuron(Population):
    """The product of two inputs, ``x = a_in1 a_in2 / 2^exponent``, sent where ``|x| > threshold``.

    Parameters
    ----------
    shape, n
        See `Population`.
    threshold : >= 0, default 0
    exponent : bits in [0, 24], default 0
    arithmetic : "float" or "integer"
        With "integer" the quotient is cut downwards.

    Ports
    -----
    a_in1, a_in2 : the factors

    References
    ----------
    ProdNeuron of Lava.
    """

    _: KW_ONLY
    threshold: Param = Param(0.0, within=NON_NEGATIVE)
    exponent: Int = Int(0, low=0, high=24)
    arithmetic: Choice = Choice(("float", "integer"), "float")

    a_in1 = In()
    a_in2 = In()

    def requires_input(self, port: str) -> bool:
        return True  # a product with nothing is nothing

    @property
    def needs_double(self) -> bool:
        return self.arithmetic == "integer"

    def step(self, a_in1: Value, a_in2: Value, threshold: Value) -> Value:
        x = a_in1 * a_in2 * 0.5**self.exponent
        if self.arithmetic == "integer":
            x = straight_through(floor(x), x)
        return where(abs(x) > threshold, x, 0.0)
