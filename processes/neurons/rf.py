"""Resonate-and-fire at a phase, as lava-dl trains it and Lava runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import ClassVar

from bidl_sim.core.param import POSITIVE, Param
from bidl_sim.processes.neurons.phase import Phase
from bidl_sim.typing import Value


class RF(Phase):
    """Resonate-and-fire neurons that fire at phase 0 of their oscillation, without reset.

    One step, in this order::

        real, imag = turned and decayed, plus inputs; see `Resonating`
        s = 1 if real >= threshold and imag >= 0 and imag before < 0 else 0
        s_out = s                     output="spike"; real s with "graded", real with "voltage"

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`; the width of the surrogate is in units of 0.5 tau_grad thresholds, its height
        in 10 scale_grad.
    arithmetic, scale, wrap, state_grad, decay_grad, reset_interval, reset_offset
        See `FixedPoint` and `Decaying`.
    tau_grad, scale_grad, output
        See `Firing`.
    sin_decay, cos_decay
        See `Resonating`, with the ports and the state; ``RF.of_period(10.0, decay=0.1)``.
    threshold : > 0, default 1

    References
    ----------
    Izhikevich, Neural Networks 14 (2001); Frady et al., J. Signal Proc. Syst. 94 (2022); rf of
    lava-dl, RF of Lava.
    """

    _: KW_ONLY
    threshold: Param = Param(1.0, within=POSITIVE)

    tau_factor: ClassVar[float] = 0.5
    scale_factor: ClassVar[float] = 10.0

    def step(
        self,
        t: Value,
        a_real_in: Value,
        a_imag_in: Value,
        real: Value,
        imag: Value,
        sin_decay: Value,
        cos_decay: Value,
        threshold: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, ...]:
        level = self.level(threshold)
        before, real = self.carried(imag, t), self.carried(real, t)
        real, imag = self.turned(real, before, sin_decay, cos_decay)
        real = self.bounded(real + self.arriving(a_real_in))
        imag = self.bounded(imag + self.arriving(a_imag_in))
        return *self.at_phase(fire, real, real - level, imag, before, level), real, imag
