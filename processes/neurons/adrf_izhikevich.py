"""Resonate-and-fire where imag is large enough, with an adaptive threshold and no reset."""

from __future__ import annotations

from collections.abc import Callable

from bidl_sim.processes.neurons.adaptive import Adaptive
from bidl_sim.processes.neurons.resonator import Resonating
from bidl_sim.typing import Value


class ADRFIzhikevich(Resonating, Adaptive):
    """Resonating neurons that fire where imag reaches an adaptive threshold, without reset.

    One step, in this order, after `Adaptive` states decayed::

        real, imag = turned and decayed, plus inputs; see `Resonating`
        s = 1 if imag >= threshold + adaptation + refractory else 0
        s_out = s                     output="spike"; imag s with "graded", imag with "voltage"

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
        See `Adaptive`, with its states.
    sin_decay, cos_decay
        See `Resonating`, with the ports and the state.

    References
    ----------
    adrf_iz of lava-dl.
    """

    def step(
        self,
        t: Value,
        a_real_in: Value,
        a_imag_in: Value,
        adaptation: Value,
        refractory: Value,
        real: Value,
        imag: Value,
        threshold: Value,
        threshold_step: Value,
        threshold_decay: Value,
        refractory_decay: Value,
        sin_decay: Value,
        cos_decay: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, ...]:
        level = self.level(threshold)
        adaptation = self.faded(adaptation, t, threshold_decay)
        refractory = self.faded(refractory, t, refractory_decay)
        real, imag = self.carried(real, t), self.carried(imag, t)
        real, imag = self.turned(real, imag, sin_decay, cos_decay)
        real = self.bounded(real + self.arriving(a_real_in))
        imag = self.bounded(imag + self.arriving(a_imag_in))
        x = imag - (level + adaptation + refractory)
        s = self.reached_by(fire, x, level)
        raised = self.raised(s, level, adaptation, refractory, threshold_step)
        return self.sent(s, imag, x, level), s, *raised, real, imag
