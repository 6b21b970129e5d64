"""Spikes of the neurons of lava-dl: when, what they carry, and their surrogate gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import ClassVar

from bidl_sim.core.fields import Choice, Real
from bidl_sim.core.intrinsics import detach, exp, minimum, straight_through
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.param import Domain
from bidl_sim.core.process import State
from bidl_sim.core.surrogate import SURROGATES
from bidl_sim.processes.neurons.decaying import Decaying
from bidl_sim.typing import Value

OUTPUTS = ("spike", "graded", "voltage")
RESET_GRADS = ("ignored", "full", "detached")


class Firing(Decaying, Neuron, abstract=True):
    """Base: neurons with decaying states and a spike.

    Parameters
    ----------
    arithmetic, scale, wrap, state_grad, decay_grad, reset_interval, reset_offset
        See `FixedPoint` and `Decaying`.
    tau_grad, scale_grad : default 1, 1
        Width and height of the surrogate gradient, in units of the family's own.
    threshold : > 0
        On a grid at least its smallest: 1 / scale with arithmetic="fixed", 1 with "integer".
    output : "spike", "graded" or "voltage"
        Whether a spike is 1 or carries the membrane; "voltage" sends the membrane in every step.

    State
    -----
    fired : the spikes behind output="voltage"
    """

    _: KW_ONLY
    surrogate: Choice = Choice(SURROGATES, "exponential")
    width: Real = Real(2.0, positive=True)
    tau_grad: Real = Real(1.0, positive=True)
    scale_grad: Real = Real(1.0, low=0.0)
    output: Choice = Choice(OUTPUTS, "spike")

    fired = State(0.0)

    tau_factor: ClassVar[float] = 100.0
    scale_factor: ClassVar[float] = 0.1

    def domain(self, name: str) -> Domain:
        if name != "threshold" or self.arithmetic == "float":
            return super().domain(name)
        return Domain(1.0 if self.arithmetic == "integer" else 1 / self.scale)  # 0 on the grid

    @property
    def spikes(self) -> str:
        return "fired" if self.output == "voltage" else "s_out"

    def states(self, training: bool) -> tuple[str, ...]:
        names = super().states(training)
        return names if self.spikes == "fired" else tuple(n for n in names if n != "fired")

    def tau(self, threshold: Value) -> Value:
        """Width of the surrogate gradient: ``tau_factor tau_grad`` thresholds."""
        return detach(self.tau_factor * self.tau_grad * threshold)

    @property
    def height(self) -> float:
        """Height of the surrogate gradient."""
        return self.scale_factor * self.scale_grad

    def above(self, fire: Callable[[Value], Value], x: Value, threshold: Value) -> Value:
        """1 where x > 0; its gradient is ``height / (2 tau) exp(-|x| / tau)``."""
        s = fire(x / self.tau(threshold))
        return straight_through(s, self.height * s)

    def reached_by(self, fire: Callable[[Value], Value], x: Value, threshold: Value) -> Value:
        """1 where x >= 0, else as `above`."""
        s = 1 - fire(-x / self.tau(threshold))
        return straight_through(s, self.height * s)

    def sent(self, s: Value, v: Value, x: Value, threshold: Value) -> Value:
        """What a spike carries: 1, or the membrane v, which is x above its threshold."""
        if self.output == "voltage":
            return v
        if self.output == "spike":
            return s
        slope = self.height * exp(minimum(x, 0.0) / self.tau(threshold))
        return straight_through(s * v, detach(slope) * v)


def after_reset(v: Value, s: Value, to: Value, reset_grad: str) -> Value:
    """``to`` where s, else v, with one of `RESET_GRADS`."""
    after = v + (detach(s) if reset_grad == "detached" else s) * (to - v)
    return straight_through(after, v) if reset_grad == "ignored" else after
