"""A running sum, the read-out of sigma-delta networks."""

from __future__ import annotations

from bidl_sim.core.neuron import Population
from bidl_sim.core.port import In
from bidl_sim.core.process import State
from bidl_sim.typing import Value


class Sigma(Population):
    """Running sums: ``sigma = sigma + a_in``, ``s_out = sigma``.

    They turn the differences that `Delta` and `SigmaDelta` send back into values, and are the same
    in every arithmetic.

    Parameters
    ----------
    shape, n
        See `Population`.

    State
    -----
    sigma : 0 at the beginning
    """

    a_in = In()

    sigma = State(0.0)

    def step(self, a_in: Value, sigma: Value) -> tuple[Value, Value]:
        sigma = sigma + a_in
        return sigma, sigma
