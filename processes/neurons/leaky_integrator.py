"""One leaky state that never fires."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bidl_sim.core.param import UNIT, Param
from bidl_sim.core.port import In
from bidl_sim.core.process import State
from bidl_sim.processes.neurons.decaying import Decaying
from bidl_sim.typing import Value


class LeakyIntegrator(Decaying):
    """Leaky sums: ``u = (1 - decay) u + a_in``, ``s_out = u``.

    Two in a row are the current and the voltage of `CUBA` without spikes. A normalised current is
    ``LeakyIntegrator(decay=d)``, the normalisation, ``CUBA(current_decay=1)``.

    Parameters
    ----------
    shape, n
        See `Population`.
    arithmetic, scale, wrap, state_grad, decay_grad, reset_interval, reset_offset
        See `FixedPoint` and `Decaying`. With "integer" the input is in mantissas, the sum in
        states: 64 to a mantissa.
    decay : in [0, 1], default 0.25
        With 0 it is a plain sum.
    """

    _: KW_ONLY
    decay: Param = Param(0.25, within=UNIT)

    a_in = In()

    u = State(0.0)

    def step(self, t: Value, a_in: Value, u: Value, decay: Value) -> tuple[Value, Value]:
        u = self.wrapped(self.kept(self.carried(u, t), decay) + self.arriving(a_in))
        return u, u
