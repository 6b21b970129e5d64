"""Spikes at a phase of an oscillation, and their gradient."""

from __future__ import annotations

from collections.abc import Callable

from bidl_sim.core.intrinsics import detach, exp, minimum, straight_through, where
from bidl_sim.core.surrogate import SURROGATES
from bidl_sim.processes.neurons.firing import Firing
from bidl_sim.processes.neurons.resonator import Resonating
from bidl_sim.typing import Value


class Phase(Resonating, Firing, abstract=True):
    """Base: oscillators that fire where imag passes zero upwards while real is large enough.

    The gradient of a spike is that of ``height P(x) p(imag)`` with x how far real is above its
    threshold, P the surrogate's step and p its bump. Of a graded one it is SLAYER's.
    """

    def at_phase(
        self,
        fire: Callable[[Value], Value],
        real: Value,
        x: Value,
        imag: Value,
        before: Value,
        threshold: Value,
    ) -> tuple[Value, Value]:
        """What is sent, and 1 where x >= 0 and imag, negative before, is not now."""
        s = 1.0 * ((x >= 0) & (imag >= 0) & (before < 0))
        tau = self.tau(threshold)
        surrogate = SURROGATES[self.surrogate]
        bump = surrogate.derivative(imag / tau, self.width) * (self.height * self.one / tau)
        if self.output == "graded":
            slope = exp(minimum(x, 0.0) / tau)
            short = tau / self.one * slope
            gate = where(x < 0, short, where(x > 0, 1 - short, 0.5))
            smooth = straight_through(gate, detach(slope) * real) * bump
            return straight_through(s * real, smooth), s
        gate = surrogate.primitive(x / tau, self.width)
        s = straight_through(s, straight_through(gate, fire(x / tau)) * bump)
        return real if self.output == "voltage" else s, s
