"""The two equations of Izhikevich."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Real
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.param import Param
from bidl_sim.core.process import State
from bidl_sim.processes.neurons.solvers import SOLVERS
from bidl_sim.typing import Value


class Izhikevich(Neuron):
    """Izhikevich's simple model: a quadratic upstroke and a recovery variable.

    ::

        dv/dt = 0.04 v^2 + 5 v + 140 - u + a_in        du/dt = a (b v - u)

    One step: v and u move by dt; s = 1 if v > v_peak; then v = c, u = u + d where s.

    With method="halves" v takes two half steps of forward Euler, and u follows the new v, as in
    the published program, where dt is 1 ms; "euler" and "rk4" move both at once.

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`.
    a, b, c, d : default 0.02, 0.2, -65, 8, regular spiking
        1/ms, 1/ms, mV, mV/ms. Fast spiking: 0.1, 0.2, -65, 2; intrinsically bursting: 0.02, 0.2,
        -55, 4; chattering: 0.02, 0.2, -50, 2.
    v_peak : mV, default 30
        Above c.
    dt : ms, default 0.1
    method : "euler", "halves" or "rk4"

    Ports
    -----
    a_in : mV/ms, held for the step

    State
    -----
    v : mV, -65 at the beginning
    u : mV/ms, -13 at the beginning

    References
    ----------
    Izhikevich, IEEE Trans. Neural Netw. 14 (2003).
    """

    _: KW_ONLY
    a: Param = Param(0.02)
    b: Param = Param(0.2)
    c: Param = Param(-65.0, below="v_peak")
    d: Param = Param(8.0)
    v_peak: Param = Param(30.0)
    dt: Real = Real(0.1, positive=True)
    method: Choice = Choice(("euler", "halves", "rk4"), "euler")

    v = State(-65.0)
    u = State(-13.0)

    def step(
        self,
        a_in: Value,
        v: Value,
        u: Value,
        a: Value,
        b: Value,
        c: Value,
        d: Value,
        v_peak: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, Value, Value]:
        def slope(v: Value, u: Value) -> tuple[Value, Value]:
            return (0.04 * v + 5) * v + 140 - u + a_in, a * (b * v - u)

        if self.method == "halves":
            x = v + self.dt / 2 * slope(v, u)[0]
            x = x + self.dt / 2 * slope(x, u)[0]
            u = u + self.dt * slope(x, u)[1]
        else:
            x, u = SOLVERS[self.method](slope, (v, u), self.dt)
        s = fire(x - v_peak)
        return s, (1 - s) * x + s * c, u + s * d
