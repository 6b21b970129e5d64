"""Spike and reset of neurons whose potential reaches a threshold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Int, Maybe, Real
from bidl_sim.core.intrinsics import clip, floor, maximum, minimum, straight_through
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.param import POSITIVE, Param
from bidl_sim.core.port import Signal
from bidl_sim.typing import Value

COMPARISONS = ("gt", "ge")
ANY = 2**31 - 1
"""More spikes than a neuron has in a step."""


class Comparing(Neuron, abstract=True):
    """Base: a spike where a value is above a threshold.

    Parameters
    ----------
    compare : "gt" or "ge"
        Whether a spike needs a value above the threshold, or one that is equal will do.
    """

    _: KW_ONLY
    compare: Choice = Choice(COMPARISONS, "gt")

    def above(self, fire: Callable[[Value], Value], x: Value, threshold: Value) -> Value:
        """1 where x is above the threshold."""
        return fire(x - threshold) if self.compare == "gt" else 1 - fire(threshold - x)


class Thresholded(Comparing, abstract=True):
    """Base: neurons that spike and are reset in the same step.

    One step, after the potential moved::

        s = 1 if v > v_threshold else 0      compare="gt"; v >= v_threshold with "ge"
        v = v_reset where s                  reset="value"
        v = v - s v_threshold                reset="subtract"
        v = max(v, v_min v_threshold)        with v_min

    Parameters
    ----------
    v_threshold : default 1
    v_reset : default 0
    reset : "value" or "subtract"
    compare : "gt" or "ge"
    max_spikes : int, default 1
        With more than one, s = floor(v / v_threshold), at least 0 and at most this; its gradient is
        that of v / v_threshold there.
    v_min : float, default None
        The least potential, in units of the threshold.
    """

    _: KW_ONLY
    v_threshold: Param = Param(1.0)
    v_reset: Param = Param(0.0)
    reset: Choice = Choice(("value", "subtract"), "value")
    max_spikes: Int = Int(1)
    v_min: Maybe[float, float] = Maybe(Real())

    def check_parameters(self, signal: Signal | None) -> None:
        super().check_parameters(signal)
        if self.max_spikes > 1 or self.v_min is not None:
            POSITIVE.check(f"{self.where}, v_threshold", self.v_threshold)

    def spiked(
        self, fire: Callable[[Value], Value], v: Value, v_threshold: Value, v_reset: Value
    ) -> tuple[Value, Value]:
        """Spikes, and the potential after them."""
        if self.max_spikes > 1:
            held = clip(v / v_threshold, 0.0, float(self.max_spikes))
            s = straight_through(floor(held), held)
        else:
            s = self.above(fire, v, v_threshold)
        if self.reset == "subtract":
            v = v - s * v_threshold
        else:
            any_spike = s if self.max_spikes == 1 else minimum(s, 1.0)
            v = (1 - any_spike) * v + any_spike * v_reset
        return s, v if self.v_min is None else maximum(v, self.v_min * v_threshold)
