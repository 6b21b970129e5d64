"""A membrane of a resistance and a capacitance, with and without spikes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.param import POSITIVE, Param
from bidl_sim.core.port import In
from bidl_sim.core.process import State
from bidl_sim.processes.neurons.discretised import Discretised
from bidl_sim.processes.neurons.thresholded import Thresholded
from bidl_sim.typing import Value


class RC(Discretised):
    """Leaky integrators: ``tau dv/dt = (v_leak - v) + r a_in``, ``s_out = v``.

    Parameters
    ----------
    shape, n
        See `Population`.
    tau : s, default 0.02
    r, v_leak : default 1, 0
    dt, method
        See `Discretised`.

    State
    -----
    v : potential

    References
    ----------
    LI of NIR.
    """

    _: KW_ONLY
    tau: Param = Param(0.02, within=POSITIVE)
    r: Param = Param(1.0)
    v_leak: Param = Param(0.0)

    a_in = In()

    v = State(0.0)

    def step(
        self, a_in: Value, v: Value, tau: Value, r: Value, v_leak: Value
    ) -> tuple[Value, Value]:
        v = self.moved(v, v_leak, r * a_in, tau)
        return v, v


class RCLIF(Thresholded, RC):
    """Leaky integrate-and-fire neurons given by their time constant and resistance.

    One step, in this order::

        v = v + dt/tau ((v_leak - v) + r a_in)      method="euler"; the solution with "exp"
        s = 1 if v > v_threshold else 0             and the reset, as in `Thresholded`

    `LIF`, whose leak follows the reset, is the same with ``alpha = 1 - dt/tau`` and
    ``beta = dt/tau v_leak``, after an input times ``dt/tau r``.

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`.
    tau, r, v_leak, dt, method
        See `RC`.
    v_threshold, v_reset, reset, compare, max_spikes, v_min
        See `Thresholded`.

    State
    -----
    v : potential after the reset

    References
    ----------
    LIF of NIR: Pedersen et al., Nat. Commun. 15 (2024).
    """

    def step(  # type: ignore[override]  # a spike takes more than a leaky integral
        self,
        a_in: Value,
        v: Value,
        tau: Value,
        r: Value,
        v_leak: Value,
        v_threshold: Value,
        v_reset: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, Value]:
        v = self.moved(v, v_leak, r * a_in, tau)
        return self.spiked(fire, v, v_threshold, v_reset)
