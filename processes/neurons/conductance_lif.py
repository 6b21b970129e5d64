"""Leaky integrate-and-fire driven by conductances, in physical units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice
from bidl_sim.core.intrinsics import exp
from bidl_sim.core.param import Param
from bidl_sim.processes.neurons.refractory import after_spike, held
from bidl_sim.processes.neurons.synaptic_lif import SynapticLIF
from bidl_sim.typing import Value


class ConductanceLIF(SynapticLIF):
    """Integrate-and-fire neurons with exponential synaptic conductances.

    ::

        tau_m dv/dt = v_rest - v + g_e (v_e - v) + g_i (v_i - v) + a_in
        tau_e dg_e/dt = -g_e        tau_i dg_i/dt = -g_i

    With method="exponential" v is solved exactly for the conductances of the step, held constant;
    "euler" moves v by one forward step.

    Parameters
    ----------
    tau_m, tau_e, tau_i, v_rest, v_th, v_reset, t_ref, dt
        See `SynapticLIF`, with the order of a step; ``g_e``, ``g_i``, ``e_in``, ``i_in`` in units
        of the leak conductance.
    v_e, v_i : mV, default 0, -80
        Reversal potentials.
    method : "exponential" or "euler"

    References
    ----------
    Brette et al., J. Comput. Neurosci. 23 (2007), benchmark 1.
    """

    _: KW_ONLY
    v_e: Param = Param(0.0)
    v_i: Param = Param(-80.0)
    method: Choice = Choice(("exponential", "euler"), "exponential")

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
        v_e: Value,
        v_i: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, Value, Value, Value, Value]:
        g_e, g_i = g_e + e_in, g_i + i_in
        pull = v_rest + g_e * v_e + g_i * v_i + a_in
        total = 1 + g_e + g_i
        if self.method == "exponential":
            target = pull / total
            x = target + (v - target) * exp(-self.dt / tau_m * total)
        else:
            x = v + self.dt / tau_m * (pull - total * v)
        x = held(x, refractory, v_reset)
        s = fire(x - v_th)
        v, refractory = after_spike(s, x, refractory, v_reset, round(self.t_ref / self.dt))
        return s, v, g_e * exp(-self.dt / tau_e), g_i * exp(-self.dt / tau_i), refractory
