"""Leaky integrate-and-fire with an adaptive threshold, as lava-dl trains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.param import UNIT, Param
from bidl_sim.core.process import State
from bidl_sim.processes.neurons.adaptive import Adaptive
from bidl_sim.typing import Value


class ALIF(Adaptive):
    """Leaky neurons with a leaky current, an adaptive threshold and no reset.

    One step, in this order, after `Adaptive` states decayed::

        u = (1 - current_decay) u + a_in
        v = (1 - voltage_decay) v + u + bias
        s = 1 if v >= threshold + adaptation + refractory else 0
        s_out = s                            output="spike"; v s with "graded", v with "voltage"

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`; the width of the surrogate is in units of 100 tau_grad thresholds, its height
        in 0.1 scale_grad.
    arithmetic, scale, wrap, state_grad, decay_grad, reset_interval, reset_offset
        See `FixedPoint` and `Decaying`.
    tau_grad, scale_grad, output
        See `Firing`.
    threshold, threshold_step, threshold_decay, refractory_decay
        See `Adaptive`.
    current_decay, voltage_decay : in [0, 1], default 0.25, 0.03
    bias : default 0
        A constant current into the membrane.

    State
    -----
    adaptation, refractory : see `Adaptive`
    u : current
    v : voltage
    fired : the spikes behind output="voltage"

    References
    ----------
    alif of lava-dl, ATRLIF of Lava.
    """

    _: KW_ONLY
    current_decay: Param = Param(0.25, within=UNIT)
    voltage_decay: Param = Param(0.03, within=UNIT)
    bias: Param = Param(0.0)

    u = State(0.0)
    v = State(0.0)

    def step(
        self,
        t: Value,
        a_in: Value,
        adaptation: Value,
        refractory: Value,
        u: Value,
        v: Value,
        threshold: Value,
        threshold_step: Value,
        threshold_decay: Value,
        refractory_decay: Value,
        current_decay: Value,
        voltage_decay: Value,
        bias: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, ...]:
        level = self.level(threshold)
        adaptation = self.faded(adaptation, t, threshold_decay)
        refractory = self.faded(refractory, t, refractory_decay)
        u = self.wrapped(self.kept(self.carried(u, t), current_decay) + self.arriving(a_in))
        v = self.kept(self.carried(v, t), voltage_decay) + u + self.arriving(bias)
        v = self.bounded(v)
        x = v - (level + adaptation + refractory)
        s = self.reached_by(fire, x, level)
        raised = self.raised(s, level, adaptation, refractory, threshold_step)
        return self.sent(s, v, x, level), s, *raised, u, v
