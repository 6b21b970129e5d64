"""Spike-timing dependent plasticity of pairs."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Real
from bidl_sim.core.intrinsics import maximum, minimum
from bidl_sim.core.process import State
from bidl_sim.errors import ParameterError
from bidl_sim.processes.plasticity.rule import Plasticity
from bidl_sim.typing import Value


class PairSTDP(Plasticity):
    """Every pair of spikes changes the weight, additively, within bounds.

    A source before its target strengthens, the other order weakens, by an amount that decays with
    the time between the two. Each neuron has a trace of its own spikes. One step::

        x' = x exp(-dt/tau_plus)    y' = y exp(-dt/tau_minus)
        w = max(w - a_minus y', w_min)      where the source spikes
        w = min(w + a_plus x', w_max)       where the target spikes
        x = x' + pre                y = y' + post

    A pair within one step changes nothing.

    Parameters
    ----------
    a_plus, a_minus : change of a weight by a pair without delay, default 0.01, 0.0105
    tau_plus, tau_minus : ms, default 20
    w_min, w_max : bounds of the weights, default 0, 1
    dt : ms, default 0.1

    Ports
    -----
    pre, post, weight : see `Plasticity`, and ``learn_between`` to connect all three

    State
    -----
    x, y : traces of sources and targets

    References
    ----------
    Song, Miller and Abbott, Nat. Neurosci. 3 (2000); all pairs, as in Morrison, Diesmann and
    Gerstner, Biol. Cybern. 98 (2008), section 4.1.
    """

    _: KW_ONLY
    a_plus: Real = Real(0.01, low=0.0)
    a_minus: Real = Real(0.0105, low=0.0)
    tau_plus: Real = Real(20.0, positive=True)
    tau_minus: Real = Real(20.0, positive=True)
    w_min: Real = Real(0.0)
    w_max: Real = Real(1.0)
    dt: Real = Real(0.1, positive=True)

    x = State(0.0, like="pre")
    y = State(0.0, like="post")

    def __post_init__(self) -> None:
        if self.w_min > self.w_max:
            raise ParameterError(
                f"{self.where}, w_min", f"is {self.w_min}, above w_max = {self.w_max}"
            )
        super().__post_init__()

    def on_pre(self, weight: Value, y: Value) -> Value:
        return maximum(weight - self.a_minus * self._keep(self.tau_minus) * y, self.w_min)

    def on_post(self, weight: Value, x: Value) -> Value:
        return minimum(weight + self.a_plus * self._keep(self.tau_plus) * x, self.w_max)

    def update_pre(self, pre: Value, x: Value) -> Value:
        return self._keep(self.tau_plus) * x + pre

    def update_post(self, post: Value, y: Value) -> Value:
        return self._keep(self.tau_minus) * y + post

    def _keep(self, tau: float) -> float:
        """What is left of a trace after one step."""
        return math.exp(-self.dt / tau)
