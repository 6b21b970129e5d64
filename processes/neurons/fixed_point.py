"""What the neurons of lava-dl share: arithmetic that a chip does, and that still learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import ClassVar

from bidl_sim.core.fields import Choice, Flag, Int, Maybe, MaybeInt, Real
from bidl_sim.core.intrinsics import (
    clip,
    detach,
    exp,
    integer,
    minimum,
    nearest,
    straight_through,
    where,
)
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.process import State
from bidl_sim.core.surrogate import SURROGATES
from bidl_sim.errors import ParameterError
from bidl_sim.typing import Value

ARITHMETICS = ("float", "fixed", "integer")
OUTPUTS = ("spike", "graded", "voltage")
BITS = 12
ONE = 1 << BITS
"""Decays are whole multiples of 1 / 4096."""
MANTISSA = 64
"""A mantissa, the unit of a chip's weights and thresholds, is so many units of its state."""
LIMIT = 1 << 23
"""States have 24 bits with sign."""


class FixedPoint(Neuron, abstract=True):
    """Base: neurons with decaying states, in real numbers, on a grid, or in a chip's integers.

    Parameters
    ----------
    arithmetic : "fixed", "float" or "integer"
        "float" takes real numbers. With "fixed" every state is a multiple of 1 / (64 scale) and
        every product is cut to one towards zero; gradients pass as if it were not. "integer" is
        the same in a chip's units: inputs, thresholds and biases are whole mantissas (64 for
        1.0, with scale=64), states whole numbers, 64 to a mantissa.
    scale : default 64
        How many mantissas are 1.0.
    wrap : default False
        Of "integer": keep states in 24 bits, as Lava does: a current wraps around, other states
        stop at the ends.
    tau_grad, scale_grad : default 1, 1
        Width and height of the surrogate gradient, in units of the family's own.
    state_grad : "full" or "detached"
        Whether gradients flow from step to step through the state.
    decay_grad : "true" or "slayer"
        "slayer" is lava-dl's gradient of decays, for comparison: of the other sign, and taken
        from states before their reset.
    reset_interval, reset_offset : steps, default None, 0
        The states are 0 at the beginning of steps offset, offset + interval, ...

    References
    ----------
    Shrestha and Orchard, SLAYER, NeurIPS 2018; lava-dl's slayer and netx.
    """

    _: KW_ONLY
    arithmetic: Choice = Choice(ARITHMETICS, "fixed")
    scale: Int = Int(64)
    wrap: Flag = Flag(False)
    surrogate: Choice = Choice(SURROGATES, "exponential")
    width: Real = Real(2.0, positive=True)
    tau_grad: Real = Real(1.0, positive=True)
    scale_grad: Real = Real(1.0)
    state_grad: Choice = Choice(("full", "detached"), "full")
    decay_grad: Choice = Choice(("true", "slayer"), "true")
    output: Choice = Choice(OUTPUTS, "spike")
    reset_interval: MaybeInt = Maybe(Int())
    reset_offset: Int = Int(0, low=0)

    fired = State(0.0)

    def __post_init__(self) -> None:
        if self.wrap and self.arithmetic != "integer":
            raise ParameterError(f"{self.where}, wrap", "needs arithmetic='integer'")
        super().__post_init__()

    @property
    def spikes(self) -> str:
        return "fired" if self.output == "voltage" else "s_out"

    def states(self, training: bool) -> tuple[str, ...]:
        absent = {"fired"} if self.spikes == "s_out" else set()
        if self.decay_grad == "true":
            absent.add("reached")
        return tuple(n for n in super().states(training) if n not in absent)

    # -- numbers ---------------------------------------------------------------------------------

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
            return straight_through(integer(a) * MANTISSA, a * MANTISSA)
        return straight_through(integer(a * self.unit) / self.unit, a)

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

    def level(self, threshold: Value) -> Value:
        """A threshold, in units of the state."""
        if self.arithmetic == "float":
            return threshold
        if self.arithmetic == "integer":
            return threshold * MANTISSA
        return straight_through(integer(threshold * self.scale) / self.scale, threshold)

    def wrapped(self, x: Value) -> Value:
        """A state of 24 bits that wraps around, where the option says so."""
        if not self.wrap:
            return x
        return where(x > LIMIT, x - 2 * LIMIT, where(x <= -LIMIT, x + 2 * LIMIT, x))

    def bounded(self, x: Value) -> Value:
        """A state of 24 bits that stops at the ends, where the option says so."""
        return clip(x, 1 - LIMIT, LIMIT - 1) if self.wrap else x

    # -- spikes ----------------------------------------------------------------------------------

    tau_factor: ClassVar[float] = 100.0
    scale_factor: ClassVar[float] = 0.1

    def spike(self, fire: Callable[[Value], Value], x: Value, level: Value) -> Value:
        """1 where x > level; its gradient is ``scale / (2 tau) exp(-|x - level| / tau)``."""
        s = fire((x - level) / self.tau(level))
        return straight_through(s, self.scale_factor * self.scale_grad * s)

    def tau(self, level: Value) -> Value:
        """Width of the surrogate gradient: ``tau_factor tau_grad`` thresholds."""
        return detach(self.tau_factor * self.tau_grad * level)

    def sent(self, s: Value, x: Value, level: Value) -> Value:
        """What a spike carries: 1, or the membrane x where it was sent."""
        if self.output == "voltage":
            return x
        if self.output == "spike":
            return s
        slope = self.scale_factor * self.scale_grad * exp(minimum(x - level, 0.0) / self.tau(level))
        return straight_through(s * x, detach(slope) * x)
