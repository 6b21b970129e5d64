"""The sum of several branches."""

from __future__ import annotations

from bidl_sim.core.port import In, Out
from bidl_sim.core.process import Process
from bidl_sim.typing import Value


class Add(Process):
    """Sends on the sum of everything connected to it: the joint of a residual network.

    Any InPort sums what is connected to it; `Add` gives that sum a name and an OutPort.

    Ports
    -----
    s_in, a_out : any shape, the same for all branches
    """

    s_in = In()
    a_out = Out()

    def step(self, s_in: Value) -> Value:
        return s_in
