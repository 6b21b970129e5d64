"""A soma with two dendrites in a chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Real
from bidl_sim.core.intrinsics import where
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.param import NON_NEGATIVE, POSITIVE, Param
from bidl_sim.core.port import In
from bidl_sim.core.process import State
from bidl_sim.processes.neurons.refractory import held, steps_left
from bidl_sim.processes.neurons.solvers import SOLVERS
from bidl_sim.typing import Value


class MultiCompartment(Neuron):
    """Three compartments in a chain: distal dendrite, proximal dendrite, soma, which spikes.

    ::

        tau dv/dt   = v_rest - v   + g_1s (v_1 - v)                     + a_in
        tau dv_1/dt = v_rest - v_1 + g_s1 (v - v_1) + g_21 (v_2 - v_1)  + d1_in
        tau dv_2/dt = v_rest - v_2 + g_12 (v_1 - v_2)                   + d2_in

    g_xy is how strongly compartment x pulls at y, in units of y's leak; the two directions differ
    where the areas do. One step: all move by dt; v is v_reset while refractory; s = 1 if v > v_th;
    then v = v_reset where s. The dendrites are not reset (reset="soma"), or each that is above v_th
    goes to v_reset ("each").

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`.
    tau : ms, default 10
    g_1s, g_s1, g_21, g_12 : default 1
    v_rest, v_th, v_reset : mV, default -70, -50, -70; v_reset < v_th
    t_ref : ms, default 0
    dt : ms, default 0.1
    reset : "soma" or "each"
    method : "rk4" or "euler"

    Ports
    -----
    a_in, d1_in, d2_in : mV, current times the resistance of the leak, held for the step
        Into the soma, the proximal and the distal dendrite.

    State
    -----
    v, v_1, v_2 : mV, -70 at the beginning
    refractory : steps left

    References
    ----------
    Rall's compartments; Koch, Biophysics of Computation (1999), chapter 3.
    """

    _: KW_ONLY
    tau: Param = Param(10.0, within=POSITIVE)
    g_1s: Param = Param(1.0, within=NON_NEGATIVE)
    g_s1: Param = Param(1.0, within=NON_NEGATIVE)
    g_21: Param = Param(1.0, within=NON_NEGATIVE)
    g_12: Param = Param(1.0, within=NON_NEGATIVE)
    v_rest: Param = Param(-70.0)
    v_th: Param = Param(-50.0)
    v_reset: Param = Param(-70.0, below="v_th")
    t_ref: Real = Real(0.0, low=0.0)
    dt: Real = Real(0.1, positive=True)
    reset: Choice = Choice(("soma", "each"), "soma")
    method: Choice = Choice(SOLVERS, "rk4")

    d1_in = In()
    d2_in = In()
    v = State(-70.0)
    v_1 = State(-70.0)
    v_2 = State(-70.0)
    refractory = State(0.0)

    def step(
        self,
        a_in: Value,
        d1_in: Value,
        d2_in: Value,
        v: Value,
        v_1: Value,
        v_2: Value,
        refractory: Value,
        tau: Value,
        g_1s: Value,
        g_s1: Value,
        g_21: Value,
        g_12: Value,
        v_rest: Value,
        v_th: Value,
        v_reset: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, ...]:
        def slope(v: Value, v_1: Value, v_2: Value) -> tuple[Value, ...]:
            return (
                (v_rest - v + g_1s * (v_1 - v) + a_in) / tau,
                (v_rest - v_1 + g_s1 * (v - v_1) + g_21 * (v_2 - v_1) + d1_in) / tau,
                (v_rest - v_2 + g_12 * (v_1 - v_2) + d2_in) / tau,
            )

        x, v_1, v_2 = SOLVERS[self.method](slope, (v, v_1, v_2), self.dt)
        x = held(x, refractory, v_reset)
        s = fire(x - v_th)
        if self.reset == "each":
            v_1, v_2 = (where(y > v_th, v_reset, y) for y in (v_1, v_2))
        left = steps_left(s, refractory, round(self.t_ref / self.dt))
        return s, (1 - s) * x + s * v_reset, v_1, v_2, left
