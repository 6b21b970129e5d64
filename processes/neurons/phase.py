"""Spikes at a phase of an oscillation, and their gradient."""

from __future__ import annotations

from collections.abc import Callable

from bidl_sim.core.intrinsics import straight_through
from bidl_sim.core.surrogate import SURROGATES
from bidl_sim.processes.neurons.firing import Firing
from bidl_sim.processes.neurons.resonator import Resonating
from bidl_sim.typing import Value


class Phase(Resonating, Firing, abstract=True):
    """Base: oscillators that fire where imag passes zero upwards while real is large enough.

    The gradient of a spike is that of ``height P(x) p(imag)`` with x how far real is above its
    threshold, P the surrogate's step and p its bump.
    """

    def at_phase(
        self,
        fire: Callable[[Value], Value],
        x: Value,
        imag: Value,
        before: Value,
        threshold: Value,
    ) -> Value:
        """1 where x >= 0 and imag, negative before, is not now."""
        tau = self.tau(threshold)
        surrogate = SURROGATES[self.surrogate]
        passing = surrogate.primitive(x / tau, self.width)
        bump = surrogate.derivative(imag / tau, self.width) * (self.one / tau)
        smooth = straight_through(passing, fire(x / tau)) * bump
        hard = (x >= 0) & (imag >= 0) & (before < 0)
        return straight_through(hard, self.height * smooth)

    def sent_at_phase(
        self, s: Value, real: Value, x: Value, imag: Value, threshold: Value
    ) -> Value:
        """What a spike carries: 1, or real."""
        if self.output != "graded":
            return real if self.output == "voltage" else s
        return self.sent(s, real, x, threshold)
