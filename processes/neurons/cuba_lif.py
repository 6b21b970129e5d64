"""A membrane driven by an exponential synaptic current, with and without spikes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.param import POSITIVE, Param
from bidl_sim.core.port import In
from bidl_sim.core.process import State
from bidl_sim.processes.neurons.discretised import Discretised
from bidl_sim.processes.neurons.thresholded import Thresholded
from bidl_sim.typing import Value


class CubaLI(Discretised):
    """Leaky integrators of a leaky current; ``s_out = v``.

    ::

        tau_syn di/dt = -i + w_in a_in
        tau_mem dv/dt = (v_leak - v) + r i

    One step, in this order: the current moves, i += dt/tau_syn (-i + w_in a_in), then v with the
    new current.

    Parameters
    ----------
    shape, n
        See `Population`.
    tau_syn, tau_mem : s, default 0.005, 0.02
    r, v_leak, w_in : default 1, 0, 1
    dt, method
        See `Discretised`; the method is that of v, the current always moves by a forward step.

    State
    -----
    i : current
    v : potential

    References
    ----------
    CubaLI of NIR.
    """

    _: KW_ONLY
    tau_syn: Param = Param(0.005, within=POSITIVE)
    tau_mem: Param = Param(0.02, within=POSITIVE)
    r: Param = Param(1.0)
    v_leak: Param = Param(0.0)
    w_in: Param = Param(1.0)

    a_in = In()

    i = State(0.0)
    v = State(0.0)

    def current(self, i: Value, a_in: Value, tau_syn: Value, w_in: Value) -> Value:
        """The current a timestep later."""
        return i + self.dt / tau_syn * (w_in * a_in - i)

    def step(
        self,
        a_in: Value,
        i: Value,
        v: Value,
        tau_syn: Value,
        tau_mem: Value,
        r: Value,
        v_leak: Value,
        w_in: Value,
    ) -> tuple[Value, ...]:
        i = self.current(i, a_in, tau_syn, w_in)
        v = self.moved(v, v_leak, r * i, tau_mem)
        return v, i, v


class CubaLIF(Thresholded, CubaLI):
    """Leaky integrate-and-fire neurons driven by a leaky current.

    One step, in this order::

        i = i + dt/tau_syn (-i + w_in a_in)
        v = v + dt/tau_mem ((v_leak - v) + r i)     method="euler"; the solution with "exp"
        s = 1 if v > v_threshold else 0             and the reset, as in `Thresholded`

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`.
    tau_syn, tau_mem, r, v_leak, w_in, dt, method
        See `CubaLI`.
    v_threshold, v_reset, reset, compare, max_spikes, v_min
        See `Thresholded`.

    State
    -----
    i : current
    v : potential after the reset

    References
    ----------
    CubaLIF of NIR: Pedersen et al., Nat. Commun. 15 (2024).
    """

    def step(  # type: ignore[override]  # a spike takes more than a leaky integral
        self,
        a_in: Value,
        i: Value,
        v: Value,
        tau_syn: Value,
        tau_mem: Value,
        r: Value,
        v_leak: Value,
        w_in: Value,
        v_threshold: Value,
        v_reset: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, ...]:
        i = self.current(i, a_in, tau_syn, w_in)
        s, v = self.spiked(fire, self.moved(v, v_leak, r * i, tau_mem), v_threshold, v_reset)
        return s, i, v
