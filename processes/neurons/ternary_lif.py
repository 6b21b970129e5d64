"""Leaky integrate-and-fire with spikes of either sign."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice
from bidl_sim.core.intrinsics import maximum
from bidl_sim.core.param import UNIT, Param
from bidl_sim.core.process import State
from bidl_sim.processes.neurons.firing import RESET_GRADS, Firing, after_reset
from bidl_sim.typing import Value


class TernaryLIF(Firing):
    """Leaky neurons with a leaky current that send 1 above one threshold and -1 below another.

    One step, in this order::

        u = (1 - current_decay) u + a_in
        v = (1 - voltage_decay) v + u + bias
        s = 1 if v > upper else -1 if v < lower else 0
        s_out = s                            output="spike"; v |s| with "graded", v with "voltage"
        v = 0 where s

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`; the width of the surrogate is in units of 50 tau_grad (upper - lower), its
        height in 0.1 scale_grad.
    arithmetic, scale, wrap, state_grad, decay_grad, reset_interval, reset_offset
        See `FixedPoint` and `Decaying`.
    tau_grad, scale_grad, output
        See `Firing`.
    upper, lower : default 1, -1
        Thresholds, lower < upper.
    current_decay, voltage_decay : in [0, 1], default 0.25, 0.03
    bias : default 0
    reset_grad : "ignored", "full" or "detached"
        See `CUBA`.

    State
    -----
    u : current
    v : voltage after the reset
    fired : the spikes behind output="voltage"
    reached : v before the reset; only with decay_grad="slayer"

    References
    ----------
    TernaryLIF of Lava.
    """

    _: KW_ONLY
    upper: Param = Param(1.0)
    lower: Param = Param(-1.0, below="upper")
    current_decay: Param = Param(0.25, within=UNIT)
    voltage_decay: Param = Param(0.03, within=UNIT)
    bias: Param = Param(0.0)
    reset_grad: Choice = Choice(RESET_GRADS, "ignored")

    u = State(0.0)
    v = State(0.0)
    reached = State(0.0)

    def step(
        self,
        t: Value,
        a_in: Value,
        u: Value,
        v: Value,
        reached: Value,
        upper: Value,
        lower: Value,
        current_decay: Value,
        voltage_decay: Value,
        bias: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, ...]:
        high, low = self.level(upper), self.level(lower)
        u = self.wrapped(self.kept(self.carried(u, t), current_decay) + self.arriving(a_in))
        x = self.kept(self.carried(v, t), voltage_decay, reached) + u + self.arriving(bias)
        x = self.bounded(x)
        half = (high - low) / 2
        up, down = self.above(fire, x - high, half), self.above(fire, low - x, half)
        s = up - down if self.output == "spike" else up + down
        sent = self.sent(s, x, maximum(x - high, low - x), half)
        return sent, up - down, u, after_reset(x, up + down, 0.0, self.reset_grad), x
