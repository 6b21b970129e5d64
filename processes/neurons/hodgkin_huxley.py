"""The axon of Hodgkin and Huxley."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Real
from bidl_sim.core.intrinsics import exp, minimum, where
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.param import NON_NEGATIVE, POSITIVE, Param
from bidl_sim.core.port import In
from bidl_sim.core.process import State
from bidl_sim.errors import ParameterError
from bidl_sim.processes.neurons.refractory import steps_left
from bidl_sim.processes.neurons.solvers import rk4
from bidl_sim.typing import Value


class HodgkinHuxley(Neuron):
    """Hodgkin-Huxley neurons with alpha-shaped synaptic currents.

    ::

        c_m dv/dt = g_na m^3 h (e_na - v) + g_k n^4 (e_k - v) + g_l (e_l - v) + i_e + i_i + a_in
        dx/dt = alpha_x(v) (1 - x) - beta_x(v) x                          for the gates x = m, h, n
        di/dt = j - i / tau        dj/dt = -j / tau                       for i_e and i_i

        alpha_m = ramp((v + 40) / 10)                beta_m = 4 exp(-(v + 65) / 18)
        alpha_h = 0.07 exp(-(v + 65) / 20)           beta_h = 1 / (1 + exp(-(v + 35) / 10))
        alpha_n = 0.1 ramp((v + 55) / 10)            beta_n = 0.125 exp(-(v + 65) / 80)
        ramp(x) = x / (1 - exp(-x)), and its limit 1 at 0

    One step: j_e and j_i rise by e / tau times what arrives, so that a current peaks at the weight;
    everything moves by dt; s = 1 where v is above v_th and has begun to fall (spike="peak"), or has
    come above v_th in this step ("crossing"), unless refractory. Nothing is reset.

    With method="exponential" the gates relax for a step at its first potential, then the potential
    at the new gates; leapfrogging, they are of second order. "rk4" is of fourth order, and stable
    up to 0.05 ms with the defaults.

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`.
    c_m : pF, default 100
    g_na, g_k, g_l : nS, default 12000, 3600, 30
    e_na, e_k, e_l : mV, default 50, -77, -54.402
    tau_e, tau_i : ms, default 0.2, 2
    v_th : mV, default 0
    t_ref : ms, default 2
        For so long after a spike none is counted; longer than v takes to fall to v_th, with
        spike="peak".
    dt : ms, default 0.1
    method : "exponential" or "rk4"
    spike : "peak" or "crossing"

    Ports
    -----
    a_in : pA, held for the step
    e_in, i_in : pA, the peak of the current that a spike evokes; negative to inhibit

    State
    -----
    v : mV, -65 at the beginning
    m, h, n_k : open part of the gates, at the beginning that at rest
    i_e, j_e, i_i, j_i : pA, pA/ms
    refractory : steps left

    References
    ----------
    Hodgkin and Huxley, J. Physiol. 117 (1952), with rest at -65 mV. Synapses as in NEST's
    hh_psc_alpha.
    """

    _: KW_ONLY
    c_m: Param = Param(100.0, within=POSITIVE)
    g_na: Param = Param(12000.0, within=NON_NEGATIVE)
    g_k: Param = Param(3600.0, within=NON_NEGATIVE)
    g_l: Param = Param(30.0, within=POSITIVE)
    e_na: Param = Param(50.0)
    e_k: Param = Param(-77.0)
    e_l: Param = Param(-54.402)
    tau_e: Param = Param(0.2, within=POSITIVE)
    tau_i: Param = Param(2.0, within=POSITIVE)
    v_th: Param = Param(0.0)
    t_ref: Real = Real(2.0, low=0.0)
    dt: Real = Real(0.1, positive=True)
    method: Choice = Choice(("exponential", "rk4"), "exponential")
    spike: Choice = Choice(("peak", "crossing"), "peak")

    e_in = In()
    i_in = In()
    v = State(-65.0)
    m = State(0.05293248525724958)
    h = State(0.5961207535084603)
    n_k = State(0.3176769140606974)
    i_e = State(0.0)
    j_e = State(0.0)
    i_i = State(0.0)
    j_i = State(0.0)
    refractory = State(0.0)

    def __post_init__(self) -> None:
        if self.spike == "peak" and round(self.t_ref / self.dt) < 1:
            raise ParameterError(
                f"{self.where}, t_ref",
                f"must be at least dt with spike='peak', got {self.t_ref:g}",
                "every step in which v falls would be a peak; or use spike='crossing'",
            )
        super().__post_init__()

    def step(
        self,
        a_in: Value,
        e_in: Value,
        i_in: Value,
        v: Value,
        m: Value,
        h: Value,
        n_k: Value,
        i_e: Value,
        j_e: Value,
        i_i: Value,
        j_i: Value,
        refractory: Value,
        c_m: Value,
        g_na: Value,
        g_k: Value,
        g_l: Value,
        e_na: Value,
        e_k: Value,
        e_l: Value,
        tau_e: Value,
        tau_i: Value,
        v_th: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, ...]:
        dt = self.dt
        j_e, j_i = j_e + math.e / tau_e * e_in, j_i + math.e / tau_i * i_in

        def conductances(m: Value, h: Value, n: Value) -> tuple[Value, Value]:
            """Of the whole membrane, and the current they would drive at 0 mV."""
            na, k = g_na * m * m * m * h, g_k * n * n * n * n
            return na + k + g_l, na * e_na + k * e_k + g_l * e_l

        def slope(
            v: Value, m: Value, h: Value, n: Value, i_e: Value, j_e: Value, i_i: Value, j_i: Value
        ) -> tuple[Value, ...]:
            g, drive = conductances(m, h, n)
            gates = (a * (1 - x) - b * x for x, (a, b) in zip((m, h, n), rates(v), strict=True))
            dv = (drive - g * v + i_e + i_i + a_in) / c_m
            return dv, *gates, j_e - i_e / tau_e, -j_e / tau_e, j_i - i_i / tau_i, -j_i / tau_i

        if self.method == "rk4":
            y = rk4(slope, (v, m, h, n_k, i_e, j_e, i_i, j_i), dt)
        else:
            gates = tuple(
                a / (a + b) + (x - a / (a + b)) * exp(-dt * (a + b))
                for x, (a, b) in zip((m, h, n_k), rates(v), strict=True)
            )
            g, drive = conductances(*gates)
            i_e, j_e = alpha(i_e, j_e, tau_e, dt / 2)
            i_i, j_i = alpha(i_i, j_i, tau_i, dt / 2)
            target = (drive + i_e + i_i + a_in) / g
            x = target + (v - target) * exp(-dt * g / c_m)
            y = (x, *gates, *alpha(i_e, j_e, tau_e, dt / 2), *alpha(i_i, j_i, tau_i, dt / 2))
        x = y[0]
        over = minimum(x - v_th, v - x if self.spike == "peak" else v_th - v)
        s = fire(where(refractory > 0, -1.0, over))
        return s, *y, steps_left(s, refractory, round(self.t_ref / dt))


def rates(v: Value) -> tuple[tuple[Value, Value], ...]:
    """Opening and closing of the gates m, h and n, in 1/ms."""
    return (
        (ramp((v + 40) / 10), 4 * exp(-(v + 65) / 18)),
        (0.07 * exp(-(v + 65) / 20), 1 / (1 + exp(-(v + 35) / 10))),
        (0.1 * ramp((v + 55) / 10), 0.125 * exp(-(v + 65) / 80)),
    )


def ramp(x: Value) -> Value:
    """X / (1 - exp(-x)); near 0 its series, which is more exact there than the quotient."""
    near = abs(x) < 1e-3
    away = where(near, 1.0, x)
    return where(near, 1 + x / 2 + x * x / 12, away / (1 - exp(-away)))


def alpha(i: Value, j: Value, tau: Value, dt: float) -> tuple[Value, Value]:
    """An alpha-shaped current and its rise, dt later."""
    keep = exp(-dt / tau)
    return (i + dt * j) * keep, j * keep
