"""The family of neurons that send differences."""

from __future__ import annotations

from typing import Any

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.processes import Activation, Delta, Sigma
from bidl_sim.processes.transforms.activation import ACTIVATIONS
from bidl_sim.slayer.neuron.family import (
    Family,
    Params,
    Population,
    drawn,
    entrance,
    follow,
    norm_of,
)


class DifferenceFamily(Family):
    """sigma_delta: sums of differences, an activation, and its differences."""

    @property
    def optional(self) -> set[str]:
        return super().optional - {"graded_spike"} | {"cum_error"}

    @property
    def learned(self) -> tuple[str, ...]:
        return ("threshold",)

    def options(self, params: Params, channels: int | None) -> dict[str, Any]:
        found = super().options(params, channels)
        return found | {"cum_error": bool(params.get("cum_error", False))}

    def renamed(self, values: dict[str, Any]) -> dict[str, Any]:
        return values | {"activation": activation_of(values["activation"])}

    def populate(
        self, net: Network, params: Params, channels: int | None, **options: Any
    ) -> Population:
        if params.get("norm") is None:
            return super().populate(net, params, channels, **options)
        sigma = net.add(Sigma(), "sigma")
        norm = follow(net, sigma, norm_of(params["norm"])(), "norm")
        act = follow(net, norm, Activation(activation_of(params["activation"])), "activation")
        delta = follow(net, act, self.delta(params, channels, **options), "neuron")
        return Population(self.dropped(net, delta, params), [entrance(sigma)])

    def populate_input(self, net: Network, params: Params, channels: int | None) -> Population:
        delta = net.add(self.delta(params, channels), "neuron")
        return Population(self.dropped(net, delta, params), [entrance(delta)])

    def populate_affine(self, net: Network, params: Params, channels: int | None) -> Population:
        sigma = net.add(Sigma(), "sigma")
        return Population(sigma, [entrance(sigma)])

    def delta(self, params: Params, channels: int | None, **options: Any) -> Process:
        """The differences alone."""
        shared = params.get("shared_param", True)
        threshold = drawn(params["threshold"], None if shared else channels)
        return Delta(threshold=threshold, **self.options(params, channels), **options)


def activation_of(function: Any) -> str:
    """An activation by its name, or the function that torch has under it."""
    name = function if isinstance(function, str) else getattr(function, "__name__", "")
    if name not in ACTIVATIONS:
        raise ParameterError(
            "neuron_params, activation",
            f"must be a function named one of {tuple(ACTIVATIONS)}, got {function!r}",
        )
    return name
