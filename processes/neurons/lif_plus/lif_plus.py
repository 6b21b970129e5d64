"""LIF+: leaky integrate-and-fire with a choice of mechanism in each of five stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY
from typing import Any

import numpy as np

from bidl_sim.core.fields import Choice
from bidl_sim.core.param import NON_NEGATIVE, POSITIVE, REAL, UNIT, Domain, Param
from bidl_sim.core.process import State
from bidl_sim.errors import ParameterError
from bidl_sim.processes.neurons.analog_output import AnalogOutput
from bidl_sim.processes.neurons.lif_plus.composed import Composed, composed, evaluate, users
from bidl_sim.processes.neurons.lif_plus.config import from_numbers
from bidl_sim.processes.neurons.lif_plus.options import STAGES
from bidl_sim.typing import Value


class Mechanism(Param):
    """A parameter that exists where a chosen option takes it, ``usual`` unless given."""

    def __init__(self, usual: float, *, within: Domain = REAL, learnable: bool = True) -> None:
        super().__init__(False, within=within, learnable=learnable, optional=True)
        self.usual = usual


class LIFPlus(AnalogOutput):
    """Leaky integrate-and-fire neurons composed of five stages, each with its options.

    One step, in this order; ``v`` is the potential before it::

        B accumulation    "cub"              c = a_in
                          "cobe"             g = (1 - eps_g) g + a_in,  c = g
                          "coba"             y = (1 - eps_g) y + a_in
                                             g = (1 - eps_g) g + e eps_g y,  c = g
                          "cobe_rev"         g of "cobe",  c = (v_g - v) g
                          "coba_rev"         g of "coba",  c = (v_g - v) g
        E refractory      "none"             p = 0
                          "absolute"         p = 0,  c = 0 where cnt > 0,  cnt = max(cnt - 1, 0)
                          "relative"         r = (1 - eps_r) r,  w_r = (1 - eps_wr) w_r
                                             p = r (v_rr - v) + w_r (v_ar - v)
        D spike_current   "none"             w = 0
                          "adt"              w = (1 - eps_w) w
                          "sbt"              w = (1 - eps_w) w + kappa a (v - v_w)
        A decay           "basic"            l(x) = alpha x + beta,         k = 1
                          "exponential"      l(x) = x + kappa (v_0 - x),    k = kappa
                          "linear"           l(x) = x - v_leak,             k = 1
        C trigger         "naive"            m(x) = l(x)
                          "exi"              m(x) = l(x) + k delta_t exp((x - v_th) / delta_t)
                          "qdi"              m(x) = x + (l(x) - x) (v_c - x)

        u = m(v) + k c + w + p               "exponential", "linear"
        u = v + c + w + p                    "basic", where m follows the reset
        u = norm(u) + noise                  with norm="membrane"; with noise=, in training
        s = 1 if u > v_th else 0             strictly; for "exi" and "qdi" v_theta is the threshold
        x = (1 - s) u + s v_0                reset
        w = w - s b                          "adt", "sbt"
        cnt = cnt_max where s                "absolute"
        r = r - s q_r,  w_r = w_r - s b_r    "relative"
        v = x                                "exponential", "linear"
        v = m(x)                             "basic"
        s_out = s                            output="spike"

    With all options at their default this is `LIF` with hard reset, to the bit. With "exponential"
    decay it is the Euler step v + kappa (v_0 - v + c), which is the LIF with alpha = 1 - kappa,
    beta = kappa v_0 and kappa times the input, whose potential is kept one leak later:
    alpha v + beta. "linear" has no floor. While a neuron is absolutely refractory, g goes on;
    what it drives is held back. The exponent of "exi" is at most 11, as in half precision.

    A state or parameter that no chosen option uses does not exist; giving it is an error.

    Parameters
    ----------
    shape, n, surrogate, width, sharing
        See `Neuron`.
    norm, eps, momentum
        See `MembraneNorm`.
    noise, reset_grad, output, activation
        See `AnalogOutput`. The taps "reset" and "leaked" send act(x) and act(v); they differ in
        "basic" decay only.
    decay, accumulation, trigger, spike_current, refractory
        The options.
    v_0 : default 0
        Potential after a spike, and at rest in "exponential" decay.
    v_th : > 0, default 0.5
        Threshold; for "exi" where the exponential takes off.
    v_theta : > v_th, default 1
        Where "exi" and "qdi" spike. The order is not checked of learned ones.
    delta_t : > 0, default 0.1
        Sharpness of "exi".
    v_c : default 0.5
        Critical potential of "qdi": the drift changes sign there.
    alpha, beta : alpha in [0, 1], default 0.3, 0
    kappa : in [0, 1], default 0.7
        dt/tau of "exponential" and "sbt".
    v_leak : >= 0, default 0.1
    eps_g : in [0, 1], default 0.5
        Decay of g and y.
    v_g : default 1
        Reversal potential of the synapse.
    eps_w : in [0, 1], default 0.1
        Decay of the spike-triggered current.
    b : default 0.1
        By how much a spike lowers it; b > 0 inhibits.
    a, v_w : default -0.2, 0
        Coupling of "sbt" to the potential, and from where it counts; a < 0 opposes, and makes the
        potential oscillate.
    cnt_max : whole, >= 0, default 10
        Steps of absolute refractoriness; not learned.
    eps_r, v_rr, q_r : eps_r in [0, 1], default 0.3, -0.5, -0.3
        Relative refractoriness: decay, reversal potential, and what a spike takes from r; q_r < 0
        makes r a conductance that pulls to v_rr.
    eps_wr, v_ar, b_r : eps_wr in [0, 1], default 0.1, -0.5, -0.1
        The same of its slower part, which has a variable of its own beside w.

    State
    -----
    v : potential; with "basic" decay after the leak
    g, y : synaptic conductance and its rise
    w : spike-triggered current
    cnt : refractory steps left
    r, w_r : conductances of the relative refractoriness
    fired : the spikes behind an analog output

    References
    ----------
    Wu et al., BIDL, Front. Neurosci. 17 (2023), fig. 5 and table 4, and its documentation; this
    follows the documented equations, from which the released code differs. The mechanisms: Lee et
    al., Flexon, ISCA 2018.

    Examples
    --------
    >>> LIFPlus(accumulation="cobe", refractory="absolute", cnt_max=3).states(training=False)
    ('v', 'g', 'cnt')
    """

    _: KW_ONLY
    decay: Choice = Choice(STAGES["decay"], "basic")
    accumulation: Choice = Choice(STAGES["accumulation"], "cub")
    trigger: Choice = Choice(STAGES["trigger"], "naive")
    spike_current: Choice = Choice(STAGES["spike_current"], "none")
    refractory: Choice = Choice(STAGES["refractory"], "none")

    v_0: Param = Param(0.0)
    alpha: Mechanism = Mechanism(0.3, within=UNIT)
    beta: Mechanism = Mechanism(0.0)
    kappa: Mechanism = Mechanism(0.7, within=UNIT)
    v_leak: Mechanism = Mechanism(0.1, within=NON_NEGATIVE)
    eps_g: Mechanism = Mechanism(0.5, within=UNIT)
    v_g: Mechanism = Mechanism(1.0)
    v_th: Mechanism = Mechanism(0.5, within=POSITIVE)
    v_theta: Mechanism = Mechanism(1.0, within=POSITIVE)
    delta_t: Mechanism = Mechanism(0.1, within=POSITIVE)
    v_c: Mechanism = Mechanism(0.5)
    eps_w: Mechanism = Mechanism(0.1, within=UNIT)
    b: Mechanism = Mechanism(0.1)
    a: Mechanism = Mechanism(-0.2)
    v_w: Mechanism = Mechanism(0.0)
    cnt_max: Mechanism = Mechanism(10.0, within=NON_NEGATIVE, learnable=False)
    eps_r: Mechanism = Mechanism(0.3, within=UNIT)
    v_rr: Mechanism = Mechanism(-0.5)
    q_r: Mechanism = Mechanism(-0.3)
    eps_wr: Mechanism = Mechanism(0.1, within=UNIT)
    v_ar: Mechanism = Mechanism(-0.5)
    b_r: Mechanism = Mechanism(-0.1)

    g = State(0.0)
    y = State(0.0)
    w = State(0.0)
    cnt = State(0.0)
    r = State(0.0)
    w_r = State(0.0)

    @classmethod
    def from_config(cls, neuron_config: Iterable[Any], **options: Any) -> LIFPlus:
        """The neuron of BIDL's configuration tuple, see `from_numbers`."""
        return cls(**{**from_numbers(neuron_config), **options})

    @property
    def equations(self) -> Composed:
        """The equations of the chosen options."""
        return composed(*((stage, getattr(self, stage)) for stage in STAGES))

    def __post_init__(self) -> None:
        used = self.equations.names
        for name, spec in self.param_specs.items():
            if not isinstance(spec, Mechanism):
                continue
            if name not in used and name not in self.left_out:
                raise ParameterError(
                    f"{self.where}, {name}",
                    "is used by none of the chosen options",
                    f"leave it out, or choose {' or '.join(users(name))}",
                )
            if name in used and name in self.left_out:
                setattr(self, name, spec.usual)
        super().__post_init__()
        _check(self)

    def states(self, training: bool) -> tuple[str, ...]:
        used = {"v", "fired"} | self.equations.names
        return tuple(n for n in super().states(training) if n in used)

    def bind_known(self, parameters: Mapping[str, Value], training: bool) -> Mapping[str, Value]:
        """The parameters by name, for the equations to take theirs from."""
        return parameters

    def step(
        self,
        a_in: Value,
        fire: Callable[[Value], Value],
        norm: Callable[[Value], Value],
        uniform: Value,
        known: Mapping[str, Value],
        **states: Value,
    ) -> tuple[Value, ...]:
        todo = self.equations
        n = evaluate(todo.drive, {**known, **states, "a_in": a_in})
        start = n["v"] if todo.moves_last else evaluate(todo.move, n)["moved"]
        u = start + n["gain"] * n["current"] + n["push"] + n["pull"]
        u = self.noisy(norm(u), uniform)
        s = fire(u - n["threshold"])
        z = self.resetting(s)
        x = (1 - z) * u + z * n["v_0"]
        n = evaluate(todo.jump, {**n, "s": z})
        v = evaluate(todo.move, {**n, "v": x})["moved"] if todo.moves_last else x
        sent = self.sent(s, pre=u, centered=u - n["threshold"], reset=x, leaked=v)
        return sent, *({**n, "v": v, "fired": s}[name] for name in self.state_specs)


def _check(neuron: LIFPlus) -> None:
    """What the domains of single parameters cannot say."""
    given = neuron.parameters()
    cnt_max = given.get("cnt_max")
    if cnt_max is not None and np.any(cnt_max != np.round(cnt_max)):
        raise ParameterError(f"{neuron.where}, cnt_max", f"must be whole numbers, got {cnt_max}")
    if neuron.trigger == "exi" and not {"v_th", "v_theta"}.intersection(neuron.learned):
        v_th, v_theta = (given[n].T for n in ("v_th", "v_theta"))  # channels, if any, come last
        if np.any(v_theta <= v_th):
            raise ParameterError(f"{neuron.where}, v_theta", "must lie above v_th")
