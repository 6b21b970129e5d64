"""Differential equations of first order, one timestep of them."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Real
from bidl_sim.core.intrinsics import exp
from bidl_sim.core.neuron import Population
from bidl_sim.typing import Value

METHODS = ("euler", "exp")


class Discretised(Population, abstract=True):
    """Base: ``tau dv/dt = (rest - v) + drive``, with a drive that is held for the step.

    Parameters
    ----------
    dt : s, default 0.001
    method : "euler" or "exp"
        One forward step, v += dt/tau ((rest - v) + drive), or the solution.
    """

    _: KW_ONLY
    dt: Real = Real(1e-3, positive=True)
    method: Choice = Choice(METHODS, "euler")

    def moved(self, v: Value, rest: Value, drive: Value, tau: Value) -> Value:
        """The potential a timestep later."""
        if self.method == "euler":
            return v + self.dt / tau * ((rest - v) + drive)
        goal = rest + drive
        return goal + (v - goal) * exp(-self.dt / tau)
