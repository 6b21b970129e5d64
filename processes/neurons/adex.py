"""The adaptive exponential integrate-and-fire neuron."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Real
from bidl_sim.core.intrinsics import exp, minimum
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.param import POSITIVE, Param
from bidl_sim.core.process import State
from bidl_sim.processes.neurons.refractory import held, steps_left
from bidl_sim.processes.neurons.solvers import SOLVERS
from bidl_sim.typing import Value

STEEPEST = 20.0
"""The exponent goes no higher: from there on the upstroke takes less than 1e-8 membrane times."""


class AdEx(Neuron):
    """Adaptive exponential integrate-and-fire neurons.

    ::

        c_m dv/dt = -g_l (v - e_l) + g_l delta exp((v - v_th) / delta) - w + a_in
        tau_w dw/dt = a (v - e_l) - w

    One step: v and w move by dt; v is v_reset while refractory; s = 1 if v > v_peak; then
    v = v_reset, w = w + b where s. In the slopes v counts as v_peak where it is above.

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`.
    c_m : pF, default 281
    g_l : nS, default 30
    e_l, v_th, delta : mV, default -70.6, -50.4, 2
        Rest, where the exponential takes over, and how steep it is.
    a : nS, default 4
    b : pA, default 80.5
    tau_w : ms, default 144
    v_peak, v_reset : mV, default 20, -70.6
        Where a spike is counted, and where v goes on. v_reset must be below v_peak.
    t_ref : ms, default 0
    dt : ms, default 0.1
    method : "rk4" or "euler"

    Ports
    -----
    a_in : pA, held for the step

    State
    -----
    v : mV, -70.6 at the beginning
    w : pA
    refractory : steps left

    References
    ----------
    Brette and Gerstner, J. Neurophysiol. 94 (2005). Firing patterns: Naud et al., Biol. Cybern.
    99 (2008).
    """

    _: KW_ONLY
    c_m: Param = Param(281.0, within=POSITIVE)
    g_l: Param = Param(30.0, within=POSITIVE)
    e_l: Param = Param(-70.6)
    v_th: Param = Param(-50.4)
    delta: Param = Param(2.0, within=POSITIVE)
    a: Param = Param(4.0)
    b: Param = Param(80.5)
    tau_w: Param = Param(144.0, within=POSITIVE)
    v_peak: Param = Param(20.0)
    v_reset: Param = Param(-70.6, below="v_peak")
    t_ref: Real = Real(0.0, low=0.0)
    dt: Real = Real(0.1, positive=True)
    method: Choice = Choice(SOLVERS, "rk4")

    v = State(-70.6)
    w = State(0.0)
    refractory = State(0.0)

    def step(
        self,
        a_in: Value,
        v: Value,
        w: Value,
        refractory: Value,
        c_m: Value,
        g_l: Value,
        e_l: Value,
        v_th: Value,
        delta: Value,
        a: Value,
        b: Value,
        tau_w: Value,
        v_peak: Value,
        v_reset: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, Value, Value, Value]:
        def slope(v: Value, w: Value) -> tuple[Value, Value]:
            v = minimum(v, v_peak)
            upstroke = delta * exp(minimum((v - v_th) / delta, STEEPEST))
            return (g_l * (e_l - v + upstroke) - w + a_in) / c_m, (a * (v - e_l) - w) / tau_w

        x, w = SOLVERS[self.method](slope, (v, w), self.dt)
        x = held(x, refractory, v_reset)
        s = fire(x - v_peak)
        left = steps_left(s, refractory, round(self.t_ref / self.dt))
        return s, (1 - s) * x + s * v_reset, w + s * b, left
