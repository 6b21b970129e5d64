"""The generalised leaky integrate-and-fire neurons of the Allen Institute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Real
from bidl_sim.core.intrinsics import exp, where
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.param import NON_NEGATIVE, POSITIVE, UNIT, Param
from bidl_sim.core.process import State
from bidl_sim.processes.neurons.refractory import steps_left
from bidl_sim.typing import Value

LEVELS = ("LIF", "LIF-R", "LIF-ASC", "LIF-R-ASC", "LIF-R-ASC-A")


class GLIF(Neuron):
    """Generalised integrate-and-fire neurons, in five levels.

    ::

        c_m dv/dt = -g_l (v - e_l) + i_1 + i_2 + a_in
        di_k/dt = -k_k i_k                                 ASC: two currents after each spike
        dth_s/dt = -b_s th_s                               R: the threshold after each spike
        dth_v/dt = a_v (v - e_l) - b_v th_v                A: the threshold follows the potential

    One step: all move by dt, unless refractory, when all stand still; s = 1 if
    v > v_th + th_s + th_v; then, where s::

        v = v_reset                                        without R
        v = e_l + f_v (v - e_l) - v_add                    with R
        i_k = f_k i_k exp(-k_k t_ref) + i_k_add            th_s = th_s exp(-b_s t_ref) + th_add

    The equations are linear and solved exactly, but for this: in a step v sees the mean of each
    current, and th_v that of v, at the step's ends, which is of second order in dt.

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`.
    level : "LIF", "LIF-R", "LIF-ASC", "LIF-R-ASC" or "LIF-R-ASC-A"
        GLIF 1 to 5. States of what a level lacks stay 0.
    c_m : pF, default 58.72
    g_l : nS, default 9.43
    e_l, v_th, v_reset : mV, default -78.85, -51.68, -78.85; v_reset < v_th
    k_1, k_2 : 1/ms, default 0.003, 0.1
    i_1_add, i_2_add : pA, default -9.18, -198.94
    f_1, f_2 : in [0, 1], default 1
    f_v, v_add : in [0, 1] and mV, default 0.2, 18.51
    b_s, th_add : 1/ms and mV, default 0.009, 0.37
    a_v, b_v : 1/ms, default 0.005, 0.09
    t_ref : ms, default 3.75
    dt : ms, default 0.05

    Ports
    -----
    a_in : pA, held for the step

    State
    -----
    v : mV, -78.85 at the beginning
    i_1, i_2 : pA
    th_s, th_v : mV
    refractory : steps left

    References
    ----------
    Teeter et al., Nat. Commun. 9 (2018). Defaults are those of cell 490626718 of the Allen Cell
    Types Database.
    """

    _: KW_ONLY
    level: Choice = Choice(LEVELS, "LIF-R-ASC-A")
    c_m: Param = Param(58.72, within=POSITIVE)
    g_l: Param = Param(9.43, within=POSITIVE)
    e_l: Param = Param(-78.85)
    v_th: Param = Param(-51.68)
    v_reset: Param = Param(-78.85, below="v_th")
    k_1: Param = Param(0.003, within=NON_NEGATIVE)
    k_2: Param = Param(0.1, within=NON_NEGATIVE)
    i_1_add: Param = Param(-9.18)
    i_2_add: Param = Param(-198.94)
    f_1: Param = Param(1.0, within=UNIT)
    f_2: Param = Param(1.0, within=UNIT)
    f_v: Param = Param(0.2, within=UNIT)
    v_add: Param = Param(18.51)
    b_s: Param = Param(0.009, within=NON_NEGATIVE)
    th_add: Param = Param(0.37)
    a_v: Param = Param(0.005)
    b_v: Param = Param(0.09, within=POSITIVE)
    t_ref: Real = Real(3.75, low=0.0)
    dt: Real = Real(0.05, positive=True)

    v = State(-78.85)
    i_1 = State(0.0)
    i_2 = State(0.0)
    th_s = State(0.0)
    th_v = State(0.0)
    refractory = State(0.0)

    def step(
        self,
        a_in: Value,
        v: Value,
        i_1: Value,
        i_2: Value,
        th_s: Value,
        th_v: Value,
        refractory: Value,
        c_m: Value,
        g_l: Value,
        e_l: Value,
        v_th: Value,
        v_reset: Value,
        k_1: Value,
        k_2: Value,
        i_1_add: Value,
        i_2_add: Value,
        f_1: Value,
        f_2: Value,
        f_v: Value,
        v_add: Value,
        b_s: Value,
        th_add: Value,
        a_v: Value,
        b_v: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, ...]:
        dt = self.dt
        has_reset_rule, has_currents, has_slow_threshold = (
            part in self.level.split("-") for part in ("R", "ASC", "A")
        )

        new_1, new_2 = i_1 * exp(-k_1 * dt), i_2 * exp(-k_2 * dt)
        target = e_l + ((i_1 + new_1 + i_2 + new_2) / 2 + a_in) / g_l
        x = target + (v - target) * exp(-g_l / c_m * dt)
        follow = a_v / b_v * ((v + x) / 2 - e_l) if has_slow_threshold else 0 * x
        new_v = follow + (th_v - follow) * exp(-b_v * dt)
        before = (v, i_1, i_2, th_s, th_v)
        after = (x, new_1, new_2, th_s * exp(-b_s * dt), new_v)
        v, i_1, i_2, th_s, th_v = (
            where(refractory > 0, old, new) for old, new in zip(before, after, strict=True)
        )
        s = fire(v - (v_th + th_s + th_v))
        if has_reset_rule:
            v_reset = e_l + f_v * (v - e_l) - v_add
            th_s = where(s > 0, th_s * exp(-b_s * self.t_ref) + th_add, th_s)
        if has_currents:
            i_1 = where(s > 0, f_1 * i_1 * exp(-k_1 * self.t_ref) + i_1_add, i_1)
            i_2 = where(s > 0, f_2 * i_2 * exp(-k_2 * self.t_ref) + i_2_add, i_2)
        left = steps_left(s, refractory, round(self.t_ref / dt))
        return s, (1 - s) * v + s * v_reset, i_1, i_2, th_s, th_v, left
