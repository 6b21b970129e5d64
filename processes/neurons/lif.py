"""Leaky integrate-and-fire, with spiking or analog output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice
from bidl_sim.core.param import POSITIVE, UNIT, Param
from bidl_sim.processes.neurons.analog_output import OUTPUTS, AnalogOutput
from bidl_sim.typing import Value


class LIF(AnalogOutput):
    """Leaky integrate-and-fire neurons; the leak comes after the reset.

    One step, in this order::

        u = v + a_in                      integrate
        u = norm(u) + noise               with norm="membrane"; with noise=, in training
        s = 1 if u > v_th else 0          fire, strictly above
        r = (1 - s) u + s v_reset         reset="hard"
        r = u - s v_th                    reset="soft" (RMP)
        v = alpha r + beta                leak
        s_out = s                         output="spike"

    Parameters
    ----------
    shape, n, surrogate, width, sharing
        See `Neuron`.
    norm, eps, momentum
        See `MembraneNorm`.
    noise, reset_grad, output, activation
        See `AnalogOutput`; the taps are act(u), act(u - v_th), act(r) and act(v).
    alpha : in [0, 1], default 0.3
        Multiplicative leak: what remains of the potential after a step, 1 - dt/tau.
    beta : default 0
        Additive leak, a constant current: (dt/tau) v_rest.
    v_th : > 0, default 0.5
        Threshold, in units of the potential.
    v_reset : default 0
        Potential after a spike with hard reset.
    reset : "hard" or "soft"

    State
    -----
    v : potential after the leak, 0 at the beginning
    fired : the spikes behind an analog output

    References
    ----------
    Wu et al., BIDL, Front. Neurosci. 17 (2023), eq. 6-11; the comparison is strict as in the
    released code and the chip's operator. LIAF: Wu et al., IEEE TNNLS 33 (2022).

    Examples
    --------
    >>> LIF(100, alpha=0.9, reset="soft")
    LIF(shape=(100,), reset='soft')
    """

    _: KW_ONLY
    alpha: Param = Param(0.3, within=UNIT)
    beta: Param = Param(0.0)
    v_th: Param = Param(0.5, within=POSITIVE)
    v_reset: Param = Param(0.0)
    reset: Choice = Choice(("hard", "soft"), "hard")

    def step(
        self,
        a_in: Value,
        v: Value,
        alpha: Value,
        beta: Value,
        v_th: Value,
        v_reset: Value,
        fire: Callable[[Value], Value],
        norm: Callable[[Value], Value],
        uniform: Value,
    ) -> tuple[Value, Value, Value]:
        u = self.noisy(norm(v + a_in), uniform)
        s = fire(u - v_th)
        z = self.resetting(s)
        r = u - z * v_th if self.reset == "soft" else (1 - z) * u + z * v_reset
        v = alpha * r + beta
        return self.sent(s, pre=u, centered=u - v_th, reset=r, leaked=v), v, s


class LIAF(LIF):
    """Leaky integrate and analog fire: `LIF` whose output is analog, relu(u) unless told otherwise.

    References
    ----------
    Wu et al., LIAF-Net, IEEE TNNLS 33 (2022).
    """

    _: KW_ONLY
    output: Choice = Choice(OUTPUTS, "pre")
