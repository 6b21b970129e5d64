"""Resonate-and-fire with Izhikevich's reset, as lava-dl trains it and Lava runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice
from bidl_sim.core.param import POSITIVE, Param
from bidl_sim.core.process import State
from bidl_sim.processes.neurons.firing import RESET_GRADS, Firing, after_reset
from bidl_sim.processes.neurons.resonator import Resonating
from bidl_sim.typing import Value

BELOW = 1e-5
"""How far below the threshold real numbers are reset; others by one step of the grid."""


class RFIzhikevich(Resonating, Firing):
    """Resonate-and-fire neurons that fire where imag reaches the threshold, and are reset.

    One step, in this order::

        real, imag = turned and decayed, plus inputs; see `Resonating`
        s = 1 if imag >= threshold else 0
        s_out = s                     output="spike"; imag s with "graded", imag with "voltage"
        real, imag = 0, just below the threshold, where s

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`; the width of the surrogate is in units of 100 tau_grad thresholds, its height
        in 0.1 scale_grad.
    arithmetic, scale, wrap, state_grad, decay_grad, reset_interval, reset_offset
        See `FixedPoint` and `Decaying`.
    tau_grad, scale_grad, output
        See `Firing`.
    sin_decay, cos_decay
        See `Resonating`, with the ports; ``RFIzhikevich.of_period(10.0, decay=0.1)``.
    threshold : > 0, default 1
    reset_grad : "ignored", "full" or "detached"
        What a reset does to the gradient of the state: nothing, as in SLAYER, or what it does to
        the state, with or without the gradient through the spike.

    State
    -----
    real, imag : after the reset
    fired : the spikes behind output="voltage"
    reached_real, reached_imag : before the reset; only with decay_grad="slayer"

    References
    ----------
    Izhikevich, Neural Networks 14 (2001); rf_iz of lava-dl, RF_IZ of Lava.
    """

    _: KW_ONLY
    threshold: Param = Param(1.0, within=POSITIVE)
    reset_grad: Choice = Choice(RESET_GRADS, "ignored")

    reached_real = State(0.0)
    reached_imag = State(0.0)

    def step(
        self,
        t: Value,
        a_real_in: Value,
        a_imag_in: Value,
        real: Value,
        imag: Value,
        reached_real: Value,
        reached_imag: Value,
        sin_decay: Value,
        cos_decay: Value,
        threshold: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, ...]:
        level = self.level(threshold)
        below = BELOW if self.arithmetic == "float" else 1 / self.unit
        x, y = self.turned(
            self.carried(real, t),
            self.carried(imag, t),
            sin_decay,
            cos_decay,
            reached_real,
            reached_imag,
        )
        x = self.bounded(x + self.arriving(a_real_in))
        y = self.bounded(y + self.arriving(a_imag_in))
        s = self.reached_by(fire, y - level, level)
        real = after_reset(x, s, 0.0, self.reset_grad)
        imag = after_reset(y, s, level - below, self.reset_grad)
        return self.sent(s, y, y - level, level), s, real, imag, x, y
