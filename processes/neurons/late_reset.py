"""Leaky integrate-and-fire whose spike acts on the potential of the next step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Flag
from bidl_sim.core.intrinsics import where
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.param import POSITIVE, UNIT, Param
from bidl_sim.core.process import State
from bidl_sim.typing import Value


class LateResetLIF(Neuron):
    """Leaky integrate-and-fire neurons that are reset a step after their spike.

    One step, in this order::

        z = 1 if v > v_th else 0            who is to be reset
        i = alpha_syn i + a_in
        u = alpha v + i - z v_th            reset="subtract"
        u = (1 - z) (alpha v + i)           reset="value", to 0 whatever arrives
        u = alpha v + i                     reset="none"
        s = 1 if u > v_th else 0
        v = u                               with late=False it is reset at once, but only those
        v = u - (s - z) v_th                reset="subtract"      that are not already
        v = (1 - (s - z)) u                 reset="value"

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`.
    alpha, alpha_syn : in [0, 1], default 0.9, 0
        What remains of the potential and of the current after a step; 0 for an input that lasts one
        step.
    v_th : > 0, default 1
    reset : "subtract", "value" or "none"
    late : default True
        Reset in the next step, after the leak.

    State
    -----
    i : current
    v : potential

    References
    ----------
    Leaky and Synaptic of snnTorch: Eshraghian et al., Proc. IEEE 111 (2023).
    """

    _: KW_ONLY
    alpha: Param = Param(0.9, within=UNIT)
    alpha_syn: Param = Param(0.0, within=UNIT)
    v_th: Param = Param(1.0, within=POSITIVE)
    reset: Choice = Choice(("subtract", "value", "none"), "subtract")
    late: Flag = Flag(True)

    i = State(0.0)
    v = State(0.0)

    def step(
        self,
        a_in: Value,
        i: Value,
        v: Value,
        alpha: Value,
        alpha_syn: Value,
        v_th: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, Value, Value]:
        z = where(v > v_th, 1.0, 0.0 * v)  # of the dtype of v
        i = alpha_syn * i + a_in
        u = self.lowered(alpha * v + i, z, v_th)
        s = fire(u - v_th)
        return s, i, u if self.late else self.lowered(u, s - z, v_th)

    def lowered(self, v: Value, z: Value, v_th: Value) -> Value:
        """The potential after a reset where z is 1."""
        if self.reset == "none":
            return v
        return v - z * v_th if self.reset == "subtract" else (1 - z) * v
