"""Neurons that sum what they receive and send how much their activation changed."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice
from bidl_sim.core.param import Param
from bidl_sim.core.process import State
from bidl_sim.errors import ParameterError
from bidl_sim.processes.neurons.delta import Differencing
from bidl_sim.processes.transforms.activation import ACTIVATIONS
from bidl_sim.typing import Value


class SigmaDelta(Differencing):
    """Sums of differences, an activation, and the differences of that.

    ::

        sigma = sigma + a_in
        x = activation(sigma + bias)         then as `Differencing`

    Parameters
    ----------
    shape, n
        See `Population`.
    arithmetic, scale, state_grad, reset_interval, reset_offset
    threshold, cum_error, correction, state_exp, spike_exp, tau_grad, scale_grad
        See `Differencing`.
    activation : "relu", "identity", "tanh" or "sigmoid"
        With arithmetic="integer" one of the first two.
    bias : default 0

    State
    -----
    act, residue, error : see `Differencing`
    sigma : 0 at the beginning

    References
    ----------
    sigma_delta of lava-dl, SigmaDelta of Lava.
    """

    _: KW_ONLY
    activation: Choice = Choice(ACTIVATIONS, "relu")
    bias: Param = Param(0.0)

    sigma = State(0.0)

    def __post_init__(self) -> None:
        if self.arithmetic == "integer" and self.activation not in ("relu", "identity"):
            raise ParameterError(
                f"{self.where}, activation",
                f"must be 'relu' or 'identity' with arithmetic='integer', got {self.activation!r}",
            )
        super().__post_init__()

    def step(
        self,
        t: Value,
        a_in: Value,
        act: Value,
        residue: Value,
        error: Value,
        sigma: Value,
        threshold: Value,
        bias: Value,
    ) -> tuple[Value, ...]:
        sigma = self.carried(sigma, t) + a_in
        x = ACTIVATIONS[self.activation](sigma + self.shifted(bias))
        states = (self.carried(x, t) if x is not None else None for x in (act, residue, error))
        return *self.changed(x, *states, threshold), sigma
