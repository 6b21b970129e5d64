"""Leaky integrate-and-fire driven by currents, in physical units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

import numpy as np

from bidl_sim.core.fields import Choice, Real
from bidl_sim.core.intrinsics import exp
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.param import POSITIVE, Param, side_by_side
from bidl_sim.core.port import Signal
from bidl_sim.core.process import State
from bidl_sim.errors import ParameterError
from bidl_sim.processes.neurons.refractory import after_spike, held
from bidl_sim.processes.neurons.synaptic_lif import SynapticLIF
from bidl_sim.typing import Value

METHODS = ("exact", "euler")


class DeltaLIF(Neuron):
    """Integrate-and-fire neurons whose input makes the potential jump.

    Between spikes tau_m dv/dt = v_rest - v, integrated exactly. One step, in this order::

        x = v_rest + (v - v_rest) exp(-dt/tau_m) + a_in
        x = v_reset                          while refractory; what arrives then is lost
        s = 1 if x >= v_th else 0            fire, at or above
        v = v_reset where s, else x          and refractory for round(t_ref / dt) steps

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`.
    tau_m : ms, default 20
    v_rest, v_th, v_reset : mV, default 0, 20, 10; v_reset < v_th
    t_ref : ms, default 2
    dt : ms, default 0.1

    State
    -----
    v : mV
    refractory : steps left

    References
    ----------
    Brunel, J. Comput. Neurosci. 8 (2000), model A.
    """

    _: KW_ONLY
    tau_m: Param = Param(20.0, within=POSITIVE)
    v_rest: Param = Param(0.0)
    v_th: Param = Param(20.0)
    v_reset: Param = Param(10.0, below="v_th")
    t_ref: Real = Real(2.0, low=0.0)
    dt: Real = Real(0.1, positive=True)

    v = State(0.0)
    refractory = State(0.0)

    def step(
        self,
        a_in: Value,
        v: Value,
        refractory: Value,
        tau_m: Value,
        v_rest: Value,
        v_th: Value,
        v_reset: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, Value, Value]:
        x = v_rest + (v - v_rest) * exp(-self.dt / tau_m) + a_in
        x = held(x, refractory, v_reset)
        s = 1 - fire(v_th - x)
        v, refractory = after_spike(s, x, refractory, v_reset, round(self.t_ref / self.dt))
        return s, v, refractory


class CurrentLIF(SynapticLIF):
    """Integrate-and-fire neurons with exponential synaptic currents, given as potentials.

    ::

        tau_m dv/dt = v_rest - v + g_e + g_i + a_in
        tau_e dg_e/dt = -g_e        tau_i dg_i/dt = -g_i

    With method="exact" the linear equations are solved over the step; "euler" moves v by one
    forward step.

    Parameters
    ----------
    tau_m, tau_e, tau_i, v_th, v_reset, t_ref, dt
        See `SynapticLIF`, with the order of a step; ``g_e``, ``g_i``, ``e_in``, ``i_in`` in mV.
    v_rest : mV, default -49
    method : "exact" or "euler"

    References
    ----------
    Brette et al., J. Comput. Neurosci. 23 (2007), benchmark 2. Exact integration: Rotter and
    Diesmann, Biol. Cybern. 81 (1999).
    """

    _: KW_ONLY
    v_rest: Param = Param(-49.0)
    method: Choice = Choice(METHODS, "exact")

    def check_parameters(self, signal: Signal | None) -> None:
        super().check_parameters(signal)
        shape = signal.shape if signal else self.declared_shape
        for name in ("tau_e", "tau_i"):
            tau, tau_m = side_by_side(getattr(self, name), self.tau_m, shape)
            if self.method == "exact" and np.any(tau == tau_m):
                raise ParameterError(
                    f"{self.where}, {name}",
                    f"must differ from tau_m = {tau[tau == tau_m][0]:g} with method='exact'",
                    "change it a little, or use method='euler'",
                )

    def step(
        self,
        a_in: Value,
        e_in: Value,
        i_in: Value,
        v: Value,
        g_e: Value,
        g_i: Value,
        refractory: Value,
        tau_m: Value,
        tau_e: Value,
        tau_i: Value,
        v_rest: Value,
        v_th: Value,
        v_reset: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, Value, Value, Value, Value]:
        g_e, g_i = g_e + e_in, g_i + i_in
        keep_m, keep_e, keep_i = (exp(-self.dt / tau) for tau in (tau_m, tau_e, tau_i))
        if self.method == "exact":
            k_e = tau_e / (tau_e - tau_m) * (keep_e - keep_m)
            k_i = tau_i / (tau_i - tau_m) * (keep_i - keep_m)
            x = v_rest + (v - v_rest) * keep_m + k_e * g_e + k_i * g_i + (1 - keep_m) * a_in
        else:
            x = v + self.dt / tau_m * (v_rest - v + g_e + g_i + a_in)
        x = held(x, refractory, v_reset)
        s = fire(x - v_th)
        v, refractory = after_spike(s, x, refractory, v_reset, round(self.t_ref / self.dt))
        return s, v, g_e * keep_e, g_i * keep_i, refractory
