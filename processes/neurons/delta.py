"""Differences, sent when they are large enough."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Flag, Int, Real
from bidl_sim.core.intrinsics import (
    detach,
    exp,
    floor,
    integer,
    maximum,
    straight_through,
    where,
)
from bidl_sim.core.param import NON_NEGATIVE, Param
from bidl_sim.core.port import In
from bidl_sim.core.process import State
from bidl_sim.errors import ParameterError
from bidl_sim.processes.neurons.fixed_point import FixedPoint
from bidl_sim.typing import Value


class Differencing(FixedPoint, abstract=True):
    """Base: populations that send how much a value x changed, where that is enough.

    ::

        d = x - act + residue
        error = error + d                    with cum_error
        s = d if |d| >= threshold else 0     |error| with cum_error, which is then 0 where sent
        residue = d - s
        act = x
        s_out = s                            cut downwards to the grid

    With ``correction="act"`` nothing is left in a residue: ``d = x - act``, ``act = act + s_out``.

    Parameters
    ----------
    arithmetic, scale, state_grad, reset_interval, reset_offset
        See `FixedPoint`; on the grid are thresholds and outputs. With "integer" values are whole
        numbers, thresholds and biases whole mantissas, shifted left by state_exp + spike_exp to
        become states; a state is shifted right by state_exp to be sent.
    tau_grad, scale_grad : default 1, 1
        Width and height of the gradient of the threshold. That of the input is g[t] - g[t + 1],
        as if every difference were sent.
    threshold : >= 0, default 0.1
        With 0 every difference is sent.
    cum_error : default False
    correction : "residue" or "act"
        "act" is the second integer model of Lava's SigmaDelta.
    state_exp, spike_exp : bits in [0, 24], default 6, 6

    State
    -----
    act : the value before
    residue : what was not sent; with correction="residue"
    error : what was not sent, summed; with cum_error
    """

    _: KW_ONLY
    threshold: Param = Param(0.1, within=NON_NEGATIVE)
    cum_error: Flag = Flag(False)
    correction: Choice = Choice(("residue", "act"), "residue")
    state_exp: Int = Int(6, low=0, high=24)
    spike_exp: Int = Int(6, low=0, high=24)
    tau_grad: Real = Real(1.0, positive=True)
    scale_grad: Real = Real(1.0, low=0.0)

    a_in = In()

    act = State(0.0)
    residue = State(0.0)
    error = State(0.0)

    def __post_init__(self) -> None:
        if self.correction == "act" and self.cum_error:
            raise ParameterError(f"{self.where}, cum_error", "needs correction='residue'")
        super().__post_init__()

    def states(self, training: bool) -> tuple[str, ...]:
        absent = set() if self.cum_error else {"error"}
        if self.correction == "act":
            absent.add("residue")
        return tuple(n for n in super().states(training) if n not in absent)

    def shifted(self, x: Value) -> Value:
        """A value or mantissa, in units of the state."""
        return x * 2 ** (self.state_exp + self.spike_exp) if self.arithmetic == "integer" else x

    def least(self, threshold: Value) -> Value:
        """The smallest difference that is sent, in units of the state."""
        if self.arithmetic == "fixed":
            return maximum(self.level(threshold), 1 / self.unit)
        return self.shifted(threshold)

    def sent(self, s: Value) -> Value:
        """A difference as it leaves."""
        if self.arithmetic == "float":
            return s
        if self.arithmetic == "integer":
            return straight_through(integer(s) >> self.state_exp, s / 2**self.state_exp)
        return straight_through(floor(s * self.unit) / self.unit, s)

    def received(self, s: Value) -> Value:
        """What left, in units of the state."""
        return s * 2**self.state_exp if self.arithmetic == "integer" else s

    def changed(
        self, t: Value, x: Value, act: Value, residue: Value, error: Value, threshold: Value
    ) -> tuple[Value, Value, Value, Value]:
        """What is sent when the value is x; the states after that."""
        least = self.least(threshold)
        d = change = x - self.carried(act, t)
        if self.correction == "residue":
            d = change + detach(self.carried(residue, t))
        error = detach(self.carried(error, t) + d) if self.cum_error else d
        large = abs(error) >= least
        s = self.learning(where(large, d, 0.0), d, change, least)
        out = self.sent(s)
        if self.correction == "act":
            x = straight_through(act + self.received(out), x)
        return out, x, detach(d - s), where(large, 0.0, error)

    def learning(self, s: Value, d: Value, change: Value, least: Value) -> Value:
        """What is sent, with the gradient of the change of x and SLAYER's of the threshold."""
        d, least_now = detach(d), detach(least)
        size = abs(d)
        steep = self.scale_grad * exp(-maximum(size - least_now, 0.0) / self.tau_grad)
        slope = where(size > least_now, -d / least_now * steep, (d < 0) * 1.0 - (d > 0) * 1.0)
        return straight_through(s, change + slope * least)


class Delta(Differencing):
    """Populations that send how much their input changed, where that is enough.

    The equations are those of `Differencing` with ``x = a_in``, as are parameters and states.

    Parameters
    ----------
    shape, n
        See `Population`.

    References
    ----------
    Delta of Lava; the input of lava-dl's sigma_delta.
    """

    def step(
        self,
        t: Value,
        a_in: Value,
        act: Value,
        residue: Value,
        error: Value,
        threshold: Value,
    ) -> tuple[Value, ...]:
        return self.changed(t, self.shifted(a_in), act, residue, error, threshold)
