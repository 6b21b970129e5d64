"""Current-based neurons that also take a bias, as a chip takes images."""

from __future__ import annotations

from collections.abc import Callable

from bidl_sim.core.port import In
from bidl_sim.processes.neurons.cuba import CUBA
from bidl_sim.typing import Value


class CUBAInput(CUBA):
    """`CUBA` neurons that get a bias in every step; either input may be left unconnected.

    One step, in this order::

        u = (1 - current_decay) u + a_in
        v = (1 - voltage_decay) v + u + bias + bias_in
        s = 1 if v > threshold else 0, and what follows in `CUBA`

    Parameters
    ----------
    shape, n, threshold, current_decay, voltage_decay, bias, refractory, arithmetic, output
        These and all others: see `CUBA`.

    Ports
    -----
    a_in : into the current
    bias_in : into the membrane

    State
    -----
    u, v, fired, reached, resting : see `CUBA`

    References
    ----------
    The input layer of netx, whose frames are written to ``bias_mant``.
    """

    bias_in = In()

    def step(  # type: ignore[override]  # one input more
        self,
        t: Value,
        a_in: Value,
        bias_in: Value,
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
        given = (threshold, current_decay, voltage_decay, bias + bias_in)
        return super().step(t, a_in, u, v, reached, resting, *given, fire)
