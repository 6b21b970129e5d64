"""A population with all operations that a step can be made of."""

from __future__ import annotations

from bidl_sim.core.intrinsics import exp, floor, integer, nearest, tanh, where
from bidl_sim.core.neuron import Population
from bidl_sim.core.port import In
from bidl_sim.core.process import State


class EveryOperation(Population):
    """All operations of a step, in real and in whole numbers.

    Ports
    -----
    a_in, s_out : any shape

    State
    -----
    n : a whole number
    """

    a_in = In()
    n = State(3, dtype="int")

    def step(self, a_in, n):
        n = ((n >> 1) + (n << 2) - n // 3 + n % 5 + integer(a_in * 7) - (-n & 12)) ^ 3
        n = (n | 1) % 1000
        odd = ((n & 1) == 1) & ~(n > 500) | (a_in != a_in)
        x = where(odd, a_in, -a_in) + (a_in >= 0.1) * 2 + (a_in <= n)
        x = x % 0.7 + a_in % -0.3 + a_in // 0.3 + nearest(3 * x) + floor(x) + abs(x) ** 0.5
        x = x + tanh(x) / 2 - exp(-abs(x)) + where(x > 1, n, 0) + (odd ^ (x < 0)) * (n == 7)
        return x, n
