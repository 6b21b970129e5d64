"""Current-based leaky integrate-and-fire, as lava-dl trains it and Lava runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice
from bidl_sim.core.intrinsics import detach, straight_through
from bidl_sim.core.param import POSITIVE, UNIT, Param
from bidl_sim.core.process import State
from bidl_sim.processes.neurons.fixed_point import FixedPoint
from bidl_sim.typing import Value


class CUBA(FixedPoint):
    """Leaky integrate-and-fire neurons with a leaky current.

    One step, in this order::

        u = (1 - current_decay) u + a_in
        v = (1 - voltage_decay) v + u + bias
        s = 1 if v > threshold else 0        strictly above
        s_out = s                            output="spike"; v s with "graded", v with "voltage"
        v = 0 where s

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`; the width of the surrogate is in units of 100 tau_grad thresholds, its height
        in 0.1 scale_grad.
    arithmetic, scale, wrap, output, tau_grad, scale_grad, state_grad, decay_grad
        See `FixedPoint`, also for reset_interval and reset_offset.
    threshold : > 0, default 1
    current_decay, voltage_decay : in [0, 1], default 0.25, 0.03
    bias : default 0
        A constant current into the membrane.
    reset_grad : "ignored", "full" or "detached"
        What a reset does to the gradient of v: nothing, as in SLAYER, or what it does to v, with
        or without the gradient through the spike.

    State
    -----
    u : current
    v : voltage after the reset
    fired : the spikes behind output="voltage"
    reached : v before the reset; only with decay_grad="slayer"

    References
    ----------
    Shrestha and Orchard, SLAYER, NeurIPS 2018; cuba of lava-dl, LIF of Lava.
    """

    _: KW_ONLY
    threshold: Param = Param(1.0, within=POSITIVE)
    current_decay: Param = Param(0.25, within=UNIT)
    voltage_decay: Param = Param(0.03, within=UNIT)
    bias: Param = Param(0.0)
    reset_grad: Choice = Choice(("ignored", "full", "detached"), "ignored")

    u = State(0.0)
    v = State(0.0)
    reached = State(0.0)

    def step(
        self,
        t: Value,
        a_in: Value,
        fired: Value,
        u: Value,
        v: Value,
        reached: Value,
        threshold: Value,
        current_decay: Value,
        voltage_decay: Value,
        bias: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, ...]:
        level = self.level(threshold)
        u = self.kept(self.carried(u, t), current_decay) + self.arriving(a_in)
        u = self.wrapped(u)
        v = self.kept(self.carried(v, t), voltage_decay, reached) + u + self.arriving(bias)
        v = self.bounded(v)
        s = self.spike(fire, v, level)
        after = v - (detach(s) if self.reset_grad == "detached" else s) * v
        if self.reset_grad == "ignored":
            after = straight_through(after, v)
        return self.sent(s, v, level), s, u, after, v
