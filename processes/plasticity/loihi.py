"""Learning rules of Loihi, in real numbers as Lava simulates them."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY
from typing import Any

from typing_extensions import Self

from bidl_sim.core.fields import Field, Int, Real
from bidl_sim.core.intrinsics import exp, minimum, where
from bidl_sim.core.process import State
from bidl_sim.errors import ParameterError
from bidl_sim.processes.plasticity.rule import Plasticity
from bidl_sim.processes.plasticity.sum_of_products import TRACES, sum_of_products
from bidl_sim.typing import Value


class SumOfProducts(Field[str, str]):
    """A sum of products in text, such as ``"2^-6*y0*x1 - 2^-7*x0*y1"``."""

    def convert(self, where: str, value: str) -> str:
        if type(value) is not str:
            raise ParameterError(where, f"must be a sum of products in text, got {value!r}")
        sum_of_products(where, value)
        return value


class LoihiRule(Plasticity):
    """A rule in Lava's notation, applied once every ``t_epoch`` steps.

    At the end of an epoch each product of ``dw`` whose condition holds is added to the weight::

        LoihiRule("2^-6*y0*x1 - 2^-7*x0*y1 - 2^-6*u0*w", x1_impulse=4, x1_tau=6, ...)

    A product has one condition: ``x0``, the source spiked in this epoch, and ``y0``, the target
    did, with all traces as they were in the step of its last spike, that spike included; or ``u0``,
    ``u1``, ..., every 2^k-th epoch, with the traces at its end. The other factors are the traces
    ``x1 x2 y1 y2 y3``, the weight ``w``, numbers as ``3``, ``-1``, ``2^-6``, one of them and a
    number in brackets, ``(w - 3)``, and the sign of such, ``sgn(w - 3)``.

    A trace decays by exp(-1/tau) a step, and a spike adds its impulse. Of several spikes of a
    neuron in one epoch those after the first each add an impulse to the value at its beginning, and
    the impulse of the first is counted at the time of the last. The states of the traces change
    with these, and at the end of an epoch.

    Parameters
    ----------
    dw : str
        The change of the weight.
    x1_impulse, x2_impulse, y1_impulse, y2_impulse, y3_impulse : default 0
    x1_tau, x2_tau, y1_tau, y2_tau, y3_tau : steps
        0, the default, for a trace that is not used.
    t_epoch : steps, default 1

    Ports
    -----
    pre, post, weight : see `Plasticity`, and ``learn_between`` to connect all three

    State
    -----
    x1, x2, y1, y2, y3 : traces of sources and targets
    tx, ty : the step of the last spike within the epoch, counted from 1; 0 without

    References
    ----------
    Davies et al., Loihi, IEEE Micro 38 (2018); Loihi2FLearningRule of Lava in floating point.
    """

    dw: SumOfProducts = SumOfProducts()
    _: KW_ONLY
    x1_impulse: Real = Real(0.0, low=0.0)
    x1_tau: Real = Real(0.0, low=0.0)
    x2_impulse: Real = Real(0.0, low=0.0)
    x2_tau: Real = Real(0.0, low=0.0)
    y1_impulse: Real = Real(0.0, low=0.0)
    y1_tau: Real = Real(0.0, low=0.0)
    y2_impulse: Real = Real(0.0, low=0.0)
    y2_tau: Real = Real(0.0, low=0.0)
    y3_impulse: Real = Real(0.0, low=0.0)
    y3_tau: Real = Real(0.0, low=0.0)
    t_epoch: Int = Int(1)

    x1 = State(0.0, like="pre")
    x2 = State(0.0, like="pre")
    tx = State(0.0, like="pre")
    y1 = State(0.0, like="post")
    y2 = State(0.0, like="post")
    y3 = State(0.0, like="post")
    ty = State(0.0, like="post")

    @classmethod
    def stdp(
        cls,
        learning_rate: float,
        a_plus: float,
        a_minus: float,
        tau_plus: float,
        tau_minus: float,
        *,
        x1_impulse: float = 16.0,
        y1_impulse: float = 16.0,
        **options: Any,
    ) -> Self:
        """STDPLoihi: ``learning_rate (a_minus x0 y1 + a_plus y0 x1)``.

        The first three are rounded to a power of two, times their whole part if they have one.
        """
        rate, plus, minus = (_literal(a) for a in (learning_rate, a_plus, a_minus))
        return cls(
            f"{rate} * {minus} * x0 * y1 + {rate} * {plus} * y0 * x1",
            x1_impulse=x1_impulse,
            x1_tau=tau_plus,
            y1_impulse=y1_impulse,
            y1_tau=tau_minus,
            **options,
        )

    def __post_init__(self) -> None:
        used = {f.variable for p in sum_of_products(self.where, self.dw) for f in p.factors}
        for name in TRACES:
            impulse, tau = self._constants(name)
            if not tau and (name in used or impulse):
                given = "is in dw" if name in used else f"has {name}_impulse = {impulse}"
                raise ParameterError(f"{self.where}, {name}_tau", f"must be > 0, {name} {given}")
        super().__post_init__()

    @property
    def epoch(self) -> int:
        return self.t_epoch

    def on_epoch(
        self,
        weight: Value,
        pre: Value,
        post: Value,
        t: Value,
        x1: Value,
        x2: Value,
        tx: Value,
        y1: Value,
        y2: Value,
        y3: Value,
        ty: Value,
    ) -> Value:
        x1, x2, tx = self._heard(pre, t, tx, x1=x1, x2=x2)
        y1, y2, y3, ty = self._heard(post, t, ty, y1=y1, y2=y2, y3=y3)
        traces = {"x1": (x1, tx), "x2": (x2, tx), "y1": (y1, ty), "y2": (y2, ty), "y3": (y3, ty)}
        new = weight
        for product in sum_of_products(self.where, self.dw):
            at = {"x0": tx, "y0": ty}.get(product.condition, self.t_epoch)
            amount = product.scale
            for factor in product.factors:
                name = factor.variable
                value = self._at(at, name, *traces[name]) if name in traces else weight
                amount = amount * factor.of(value)
            if product.condition in ("x0", "y0"):
                new = where(at > 0, new + amount, new)
            else:
                period = 2 ** int(product.condition[1:])
                new = new + amount * ((t + 1) // self.t_epoch % period == 0)
        return new

    def update_pre(self, pre: Value, t: Value, x1: Value, x2: Value, tx: Value) -> Value:
        return self._after(pre, t, tx, x1=x1, x2=x2)

    def update_post(
        self, post: Value, t: Value, y1: Value, y2: Value, y3: Value, ty: Value
    ) -> Value:
        return self._after(post, t, ty, y1=y1, y2=y2, y3=y3)

    def _heard(self, spikes: Value, t: Value, last: Value, **traces: Value) -> tuple[Value, ...]:
        """Traces and time of the last spike with the spikes of this step."""
        spiked = spikes != 0
        again = (last > 0) & spiked
        new = (where(again, x + self._constants(n)[0], x) for n, x in traces.items())
        return *new, where(spiked, t % self.t_epoch + 1, last)

    def _after(self, spikes: Value, t: Value, last: Value, **traces: Value) -> tuple[Value, ...]:
        """As `_heard`, and at the end of an epoch on to the next."""
        *values, last = self._heard(spikes, t, last, **traces)
        over = (t + 1) % self.t_epoch == 0
        passed = self.t_epoch * over
        new = (self._at(passed, n, x, last) for n, x in zip(traces, values, strict=True))
        return *new, last * (1 - over)

    def _at(self, time: Value, name: str, value: Value, last: Value) -> Value:
        """A trace in this step of the epoch, 0 being its beginning."""
        impulse, tau = self._constants(name)
        if not tau:
            return value
        value = value * exp(-time / tau)
        added = impulse * exp(minimum(last - time, 0.0) / tau)
        return where((last > 0) & (last <= time), value + added, value)

    def _constants(self, trace: str) -> tuple[float, float]:
        """Impulse and time constant of a trace."""
        return getattr(self, f"{trace}_impulse"), getattr(self, f"{trace}_tau")


def _literal(amount: float) -> str:
    """An amount as Lava writes it: ``(k) * 2^n`` with n to the nearest."""
    if not math.isfinite(amount):
        raise ParameterError("LoihiRule.stdp", f"takes finite numbers, got {amount}")
    if amount == 0:
        return "0"
    whole = max(int(abs(amount)), 1)
    return f"({int(math.copysign(whole, amount))}) * 2^{round(math.log2(abs(amount) / whole))}"
