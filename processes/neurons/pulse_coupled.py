"""The neuron of pulse-coupled networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice
from bidl_sim.core.intrinsics import exp
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.param import NON_NEGATIVE, Param
from bidl_sim.core.port import In
from bidl_sim.core.process import State
from bidl_sim.typing import Value


class PulseCoupled(Neuron):
    """Eckhorn's neuron: what it is fed with is modulated by linking; its threshold jumps and falls.

    ::

        f = exp(-alpha_f) f + a_in              feeding
        l = exp(-alpha_l) l + l_in              linking
        u = f (1 + beta l)                      link="multiply"
        u = f + beta l                          link="add"
        s = 1 if u > theta else 0
        theta = exp(-alpha_t) theta + v_t s

    Parameters
    ----------
    shape, n, surrogate, width
        See `Neuron`.
    alpha_f, alpha_l, alpha_t : >= 0, default 0.1, 1, 0.05
        Decay of feeding, linking and threshold in a step.
    beta : default 0.2
        Strength of linking.
    v_t : default 20
        By how much a spike raises the threshold.
    link : "multiply" or "add"

    Ports
    -----
    a_in : stimulus, and what neighbours feed
    l_in : what neighbours link

    State
    -----
    f, l, theta : 0 at the beginning, so that what is fed fires at once

    References
    ----------
    Eckhorn et al., Neural Comput. 2 (1990); Johnson and Padgett, IEEE Trans. Neural Netw. 10
    (1999).
    """

    _: KW_ONLY
    alpha_f: Param = Param(0.1, within=NON_NEGATIVE)
    alpha_l: Param = Param(1.0, within=NON_NEGATIVE)
    alpha_t: Param = Param(0.05, within=NON_NEGATIVE)
    beta: Param = Param(0.2)
    v_t: Param = Param(20.0)
    link: Choice = Choice(("multiply", "add"), "multiply")

    l_in = In()
    f = State(0.0)
    l = State(0.0)  # noqa: E741  # the symbol of the literature
    theta = State(0.0)

    def step(
        self,
        a_in: Value,
        l_in: Value,
        f: Value,
        l: Value,  # noqa: E741
        theta: Value,
        alpha_f: Value,
        alpha_l: Value,
        alpha_t: Value,
        beta: Value,
        v_t: Value,
        fire: Callable[[Value], Value],
    ) -> tuple[Value, Value, Value, Value]:
        f = exp(-alpha_f) * f + a_in
        linking = exp(-alpha_l) * l + l_in
        u = f * (1 + beta * linking) if self.link == "multiply" else f + beta * linking
        s = fire(u - theta)
        return s, f, linking, exp(-alpha_t) * theta + v_t * s
