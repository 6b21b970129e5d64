"""A slower clock."""

from __future__ import annotations

from bidl_sim.core.fields import Int
from bidl_sim.core.port import In, Out
from bidl_sim.core.process import Process, State
from bidl_sim.typing import Value


class TimeDecimation(Process):
    """The mean over each ``factor`` steps, sent in the last of them; zero in all others.

    The steps 0 to factor - 1 since the reset are the first bin. A run that ends within a bin has
    not sent it yet. Time stays as it is, so ``out[factor - 1 :: factor]`` is the shorter sequence::

        total = total + s_in
        a_out = total / factor  in the last step of a bin, where total begins anew

    Parameters
    ----------
    factor : int

    Ports
    -----
    s_in, a_out : any shape
    """

    factor: Int = Int()

    s_in = In()
    a_out = Out()
    total = State(0.0)

    def step(self, s_in: Value, total: Value, t: Value) -> tuple[Value, Value]:
        total = total + s_in
        is_last = (t + 1) % self.factor == 0
        return total * is_last / self.factor, total * (1 - is_last)
