"""A potential that leaks and never spikes."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Real
from bidl_sim.core.intrinsics import exp
from bidl_sim.core.param import POSITIVE, Param, check_spread, spread_view
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process, State
from bidl_sim.typing import Shape, Value


class LowPass(Process):
    """A low-pass filter, which sends its potential: ``tau dv/dt = a_in - v``.

    Parameters
    ----------
    tau : ms, default 10
        One number, one per channel or one per value.
    dt : ms, default 1
    method : "exact" or "euler"
        Solved for an input that is held for the step, or one forward step, which with dt = tau is
        v = a_in.

    Ports
    -----
    a_in : input, any shape
    v_out : the potential at the end of the step

    State
    -----
    v : potential
    """

    _: KW_ONLY
    tau: Param = Param(10.0, within=POSITIVE)
    dt: Real = Real(1.0, positive=True)
    method: Choice = Choice(("exact", "euler"), "exact")

    a_in = In()
    v_out = Out()
    v = State(0.0)

    def check_parameters(self, signal: Signal | None) -> None:
        if signal is not None:
            check_spread(f"{self.where}, tau", self.tau, signal.shape)

    def parameter_view(self, name: str, shape: Shape, signal: Signal) -> Shape:
        return spread_view(shape, signal.shape)

    def step(self, a_in: Value, v: Value, tau: Value) -> tuple[Value, Value]:
        moved = self.dt / tau if self.method == "euler" else 1 - exp(-self.dt / tau)
        v = v + moved * (a_in - v)
        return v, v
