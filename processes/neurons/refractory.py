"""What neurons with a refractory period share."""

from __future__ import annotations

from bidl_sim.core.intrinsics import maximum, where
from bidl_sim.typing import Value


def held(x: Value, refractory: Value, v_reset: Value) -> Value:
    """The potential, or v_reset while the neuron is refractory."""
    return where(refractory > 0, v_reset, x)


def after_spike(
    s: Value, x: Value, refractory: Value, v_reset: Value, steps: int
) -> tuple[Value, Value]:
    """Potential and remaining refractory steps at the end of a step."""
    return x + s * (v_reset - x), steps_left(s, refractory, steps)


def steps_left(s: Value, refractory: Value, steps: int) -> Value:
    """Remaining refractory steps at the end of a step."""
    return where(s > 0, steps, maximum(refractory - 1, 0))
