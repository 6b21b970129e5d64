"""Current-based neurons that take their input as a bias, as a chip takes images."""

from __future__ import annotations

from collections.abc import Callable

from bidl_sim.core.port import In
from bidl_sim.processes.neurons.cuba import CUBA
from bidl_sim.typing import Value


class CUBAInput(CUBA):
    """`CUBA` neurons without current, which get a bias in every step.

    One step, in this order::

        v = (1 - voltage_decay) v + bias + bias_in
        s = 1 if v > threshold else 0, and what follows in `CUBA`

    Parameters
    ----------
    shape, n, threshold, voltage_decay, bias, refractory, arithmetic, output
        These and all others: see `CUBA`; current_decay is that of a current which stays 0.

    Ports
    -----
    bias_in : into the membrane

    State
    -----
    u, v, fired, reached, resting : see `CUBA`

    References
    ----------
    The input layer of netx, whose frames are written to ``bias_mant``.
    """

    a_in = None  # type: ignore[assignment]  # another input takes its place
    bias_in = In()

    def step(
        self,
        t: Value,
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
        return super().step(t, 0.0, u, v, reached, resting, *given, fire)
