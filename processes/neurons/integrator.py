"""Integration without a leak, with and without spikes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Real
from bidl_sim.core.neuron import Population
from bidl_sim.core.param import Param
from bidl_sim.core.port import In
from bidl_sim.core.process import State
from bidl_sim.processes.neurons.thresholded import Thresholded
from bidl_sim.typing import Value

GAINS = ("per_step", "dt")


class Integrator(Population):
    """Perfect integrators: ``dv/dt = r a_in``, ``s_out = v``.

    One step::

        v = v + r a_in         gain="per_step"
        v = v + dt r a_in      gain="dt"

    Parameters
    ----------
    shape, n
        See `Population`.
    r : default 1
    gain : "per_step" or "dt"
        Whether r is what a step adds, or a rate.
    dt : s, default 0.001

    State
    -----
    v : potential

    References
    ----------
    I of NIR.
    """

    _: KW_ONLY
    r: Param = Param(1.0)
    gain: Choice = Choice(GAINS, "per_step")
    dt: Real = Real(1e-3, positive=True)

    a_in = In()

    v = State(0.0)

    def integrated(self, v: Value, a_in: Value, r: Value) -> Value:
        """The potential a timestep later."""
        return v + (r * a_in if self.gain == "per_step" else self.dt * r * a_in)

    def step(self, a_in: Value, v: Value, r: Value) -> tuple[Value, Value]:
        v = self.integrated(v, a_in, r)
        return v, v


class IF(Thresholded, Integrator):
    """Integrate-and-fire neurons without a leak.

    One step, in this order::

        v = v + r a_in                      v + dt r a_in with gain="dt"
        s = 1 if v > v_threshold else 0     and the reset, as in `Thresholded`

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`.
    r, gain, dt
        See `Integrator`.
    v_threshold, v_reset, reset, compare, max_spikes, v_min
        See `Thresholded`.

    State
    -----
    v : potential after the reset

    References
    ----------
    IF of NIR.
    """

    def step(  # type: ignore[override]  # a spike takes more than an integral
        self,
        a_in: Value,
        v: Value,
        r: Value,
        v_threshold: Value,
        v_reset: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, Value]:
        return self.spiked(fire, self.integrated(v, a_in, r), v_threshold, v_reset)
