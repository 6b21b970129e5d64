"""Arithmetic that a chip does, and that still learns: real numbers, a grid, or integers."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Int, Maybe, MaybeInt
from bidl_sim.core.intrinsics import detach, integer, straight_through
from bidl_sim.core.neuron import Population
from bidl_sim.typing import Value

ARITHMETICS = ("float", "fixed", "integer")
MANTISSA = 64
"""A mantissa, the unit of a chip's weights and thresholds, is so many units of its state."""


class FixedPoint(Population, abstract=True):
    """Base: populations whose states are real numbers, on a grid, or a chip's integers.

    Parameters
    ----------
    arithmetic : "fixed", "float" or "integer"
        "float" takes real numbers. With "fixed" every state is a multiple of 1 / (64 scale) and
        every product is cut to one towards zero; gradients pass as if it were not. "integer" is
        the same in a chip's units: inputs, thresholds and biases are whole mantissas (64 for
        1.0, with scale=64), states whole numbers, 64 to a mantissa.
    scale : default 64
        How many mantissas are 1.0.
    state_grad : "full" or "detached"
        Whether gradients flow from step to step through the state.
    reset_interval, reset_offset : steps, default None, 0
        The states are 0 at the beginning of steps offset, offset + interval, ...

    References
    ----------
    Shrestha and Orchard, SLAYER, NeurIPS 2018; lava-dl's slayer and netx.
    """

    _: KW_ONLY
    arithmetic: Choice = Choice(ARITHMETICS, "fixed")
    scale: Int = Int(64)
    state_grad: Choice = Choice(("full", "detached"), "full")
    reset_interval: MaybeInt = Maybe(Int())
    reset_offset: Int = Int(0, low=0)

    @property
    def needs_double(self) -> bool:
        return self.arithmetic == "integer"

    @property
    def one(self) -> int:
        """What 1.0 is in a state."""
        return MANTISSA * self.scale if self.arithmetic == "integer" else 1

    @property
    def unit(self) -> int:
        """How many steps of the grid are 1 in a state."""
        return 1 if self.arithmetic == "integer" else MANTISSA * self.scale

    def carried(self, x: Value, t: Value) -> Value:
        """A state as it comes into this step."""
        if self.reset_interval is not None:
            x = x * ((t - self.reset_offset) % self.reset_interval != 0)
        return detach(x) if self.state_grad == "detached" else x

    def arriving(self, a: Value) -> Value:
        """An input, cut to the grid."""
        if self.arithmetic == "float":
            return a
        if self.arithmetic == "integer":
            return straight_through(integer(a * MANTISSA), a * MANTISSA)
        return straight_through(integer(a * self.unit) / self.unit, a)

    def level(self, threshold: Value) -> Value:
        """A threshold, in units of the state."""
        if self.arithmetic == "float":
            return threshold
        if self.arithmetic == "integer":
            return threshold * MANTISSA
        return straight_through(integer(threshold * self.scale) / self.scale, threshold)
