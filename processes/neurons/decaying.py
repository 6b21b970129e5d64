"""States that decay, with decays of 12 bits."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Flag
from bidl_sim.core.intrinsics import clip, detach, integer, nearest, straight_through, where
from bidl_sim.errors import ParameterError
from bidl_sim.processes.neurons.fixed_point import FixedPoint
from bidl_sim.typing import Value

BITS = 12
ONE = 1 << BITS
"""Decays are whole multiples of 1 / 4096."""
LIMIT = 1 << 23
"""States have 24 bits with sign."""


class Decaying(FixedPoint, abstract=True):
    """Base: populations with decaying states.

    Parameters
    ----------
    arithmetic, scale, state_grad, reset_interval, reset_offset
        See `FixedPoint`.
    wrap : default False
        Of "integer": keep states in 24 bits, as Lava does: a current wraps around, other states
        stop at the ends.
    decay_grad : "true" or "slayer"
        "slayer" is lava-dl's gradient of decays, for comparison: of the other sign where a decay
        is what is lost, and taken from states before their reset.
    """

    _: KW_ONLY
    wrap: Flag = Flag(False)
    decay_grad: Choice = Choice(("true", "slayer"), "true")

    def __post_init__(self) -> None:
        if self.wrap and self.arithmetic != "integer":
            raise ParameterError(f"{self.where}, wrap", "needs arithmetic='integer'")
        super().__post_init__()

    def states(self, training: bool) -> tuple[str, ...]:
        names = super().states(training)
        if self.decay_grad == "slayer":
            return names
        return tuple(n for n in names if not n.startswith("reached"))

    def times(self, x: Value, factor: Value) -> Value:
        """A state times a multiple of 1 / 4096, cut to the grid towards zero."""
        if self.arithmetic == "float":
            return x * factor
        product = integer(factor * ONE) * integer(x * self.unit)
        cut = (product + (product < 0) * (ONE - 1)) >> BITS
        return straight_through(cut / self.unit, x * factor)

    def on_grid(self, factor: Value) -> Value:
        """A decay or factor, rounded to a multiple of 1 / 4096."""
        if self.arithmetic == "float":
            return factor
        return straight_through(nearest(factor * ONE) / ONE, factor)

    def kept(self, x: Value, decay: Value, reached: Value = None) -> Value:
        """``(1 - decay) x``; ``reached`` is x before its reset, which SLAYER's gradient takes."""
        decay = self.on_grid(decay)
        y = self.times(x, 1 - decay)
        if self.decay_grad == "true":
            return y
        seen = detach(x if reached is None else reached)
        return straight_through(y, x * (1 - detach(decay)) + seen * decay)

    def scaled(self, x: Value, factor: Value, reached: Value = None) -> Value:
        """``factor x``, with ``reached`` as in `kept`."""
        y = self.times(x, factor)
        if self.decay_grad == "true" or reached is None:
            return y
        return straight_through(y, x * detach(factor) + detach(reached) * factor)

    def wrapped(self, x: Value) -> Value:
        """A state of 24 bits that wraps around, where the option says so."""
        if not self.wrap:
            return x
        return where(x > LIMIT, x - 2 * LIMIT, where(x <= -LIMIT, x + 2 * LIMIT, x))

    def bounded(self, x: Value) -> Value:
        """A state of 24 bits that stops at the ends, where the option says so."""
        return clip(x, 1 - LIMIT, LIMIT - 1) if self.wrap else x
