"""What neurons with exponential synapses of two kinds share."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bidl_sim.core.fields import Real
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.param import POSITIVE, Param
from bidl_sim.core.port import In
from bidl_sim.core.process import State


class SynapticLIF(Neuron, abstract=True):
    """Base: an exciting and an inhibiting synapse, each with a trace that decays exponentially.

    One step, in this order: what arrives is added to g_e and g_i; v moves by dt; while refractory
    it is v_reset instead; s = 1 if v > v_th; the reset, after which the neuron is refractory for
    round(t_ref / dt) steps; g_e and g_i decay.

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`.
    tau_m, tau_e, tau_i : ms, default 20, 5, 10
    v_rest, v_th, v_reset : mV, v_reset < v_th
    t_ref : ms, default 5
    dt : ms, default 0.1

    Ports
    -----
    e_in, i_in : by how much a spike raises g_e, g_i
    a_in : mV, a current that lasts one step

    State
    -----
    v : mV
    g_e, g_i
    refractory : steps left
    """

    _: KW_ONLY
    tau_m: Param = Param(20.0, within=POSITIVE)
    tau_e: Param = Param(5.0, within=POSITIVE)
    tau_i: Param = Param(10.0, within=POSITIVE)
    v_rest: Param = Param(-60.0)
    v_th: Param = Param(-50.0)
    v_reset: Param = Param(-60.0, below="v_th")
    t_ref: Real = Real(5.0, low=0.0)
    dt: Real = Real(0.1, positive=True)

    e_in = In()
    i_in = In()
    v = State(-60.0)
    g_e = State(0.0)
    g_i = State(0.0)
    refractory = State(0.0)
