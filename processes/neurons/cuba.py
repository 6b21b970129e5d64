"""Current-based leaky integrate-and-fire, as lava-dl trains it and Lava runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Int
from bidl_sim.core.intrinsics import maximum, where
from bidl_sim.core.param import POSITIVE, UNIT, Param
from bidl_sim.core.process import State
from bidl_sim.processes.neurons.firing import RESET_GRADS, Firing, after_reset
from bidl_sim.typing import Value


class CUBA(Firing):
    """Leaky integrate-and-fire neurons with a leaky current.

    One step, in this order::

        u = (1 - current_decay) u + a_in
        v = (1 - voltage_decay) v + u + bias
        s = 1 if v > threshold else 0        strictly above
        s_out = s                            output="spike"; v s with "graded", v with "voltage"
        v = 0 where s                        and held there for ``refractory`` steps

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`; the width of the surrogate is in units of 100 tau_grad thresholds, its height
        in 0.1 scale_grad.
    arithmetic, scale, wrap, state_grad, decay_grad, reset_interval, reset_offset
        See `FixedPoint` and `Decaying`.
    tau_grad, scale_grad, output
        See `Firing`.
    threshold : > 0, default 1
    current_decay, voltage_decay : in [0, 1], default 0.25, 0.03
    bias : default 0
        A constant current into the membrane.
    refractory : steps, default 0
    reset_grad : "ignored", "full" or "detached"
        What a reset does to the gradient of v: nothing, as in SLAYER, or what it does to v, with
        or without the gradient through the spike.

    State
    -----
    u : current
    v : voltage after the reset
    fired : the spikes behind output="voltage"
    reached : v before the reset; only with decay_grad="slayer"
    resting : steps left; only with ``refractory``

    References
    ----------
    Shrestha and Orchard, SLAYER, NeurIPS 2018; cuba of lava-dl, LIF and LIFRefractory of Lava.
    """

    _: KW_ONLY
    threshold: Param = Param(1.0, within=POSITIVE)
    current_decay: Param = Param(0.25, within=UNIT)
    voltage_decay: Param = Param(0.03, within=UNIT)
    bias: Param = Param(0.0)
    refractory: Int = Int(0, low=0)
    reset_grad: Choice = Choice(RESET_GRADS, "ignored")

    u = State(0.0)
    v = State(0.0)
    reached = State(0.0)
    resting = State(0.0)

    def states(self, training: bool) -> tuple[str, ...]:
        names = super().states(training)
        return names if self.refractory else tuple(n for n in names if n != "resting")

    def step(
        self,
        t: Value,
        a_in: Value,
        u: Value,
        v: Value,
        reached: Value,
        resting: Value,
        threshold: Value,
        current_decay: Value,
        voltage_decay: Value,
        bias: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, ...]:
        level = self.level(threshold)
        u = self.wrapped(self.kept(self.carried(u, t), current_decay) + self.arriving(a_in))
        x = self.kept(self.carried(v, t), voltage_decay, reached) + u + self.arriving(bias)
        x = self.bounded(x)
        if self.refractory:
            x = where(resting > 0, v, x)
        s = self.above(fire, x - level, level)
        if self.refractory:
            resting = where(s > 0, self.refractory, maximum(resting - 1, 0.0))
        sent = self.sent(s, x, x - level, level)
        return sent, s, u, after_reset(x, s, 0.0, self.reset_grad), x, resting
