"""The neurons of lava-dl: the processes that stand for them, and their arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from bidl_sim.core.network import Network
from bidl_sim.core.port import InPort
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.processes import (
    Activation,
    Delta,
    Dropout,
    LeakyIntegrator,
    MeanOnlyBatchNorm,
    Resonator,
    Sigma,
    WeightScaleBatchNorm,
)
from bidl_sim.processes.neurons.resonator import rotation
from bidl_sim.processes.transforms.activation import ACTIVATIONS
from bidl_sim.typing import Array

Params = Mapping[str, Any]
NORMS: dict[str, Callable[..., Process]] = {
    "MeanOnlyBatchNorm": MeanOnlyBatchNorm,
    "WgtScaleBatchNorm": WeightScaleBatchNorm,
}
COMMON = {
    "tau_grad",
    "scale_grad",
    "scale",
    "norm",
    "dropout",
    "shared_param",
    "persistent_state",
    "requires_grad",
    "graded_spike",
}


@dataclass(frozen=True)
class Population:
    """Neurons in a network: what sends, and the ports that synapses feed."""

    sender: Process
    ports: list[InPort]


def follow(net: Network, source: Process, process: Process, name: str) -> Process:
    """Add a process that takes what another sends."""
    net.connect(source, net.add(process, name))
    return process


@dataclass(frozen=True)
class Family:
    """One kind of neuron with lava-dl's words for it.

    Attributes
    ----------
    name
        lava-dl's: ``cuba``.
    process
        Ours.
    numbers
        Arguments that hold one number or, with shared_param=False, one for each channel.
    fixed
        Arguments that hold one number always.
    is_complex
        Whether it has a real and an imaginary input.
    shifts
        Whether blocks send one step later unless told otherwise.
    """

    name: str
    process: type[Any]
    numbers: tuple[str, ...]
    fixed: tuple[str, ...] = ("threshold",)
    is_complex: bool = False
    shifts: bool = True

    def populate(
        self, net: Network, params: Params, channels: int | None, **options: Any
    ) -> Population:
        """Add norm, neuron and dropout; ``options`` are those of our process."""
        self.check(params)
        neuron = net.add(self.neuron(params, channels, options), "neuron")
        ports = list(neuron.in_ports.values())[: 2 if self.is_complex else 1]
        if params.get("norm") is not None:
            ports = self.behind_norm(net, neuron, ports, params)
        return Population(self.dropped(net, neuron, params), ports)

    def populate_input(self, net: Network, params: Params, channels: int | None) -> Population:
        """What an Input block has for neurons."""
        return self.populate(net, params, channels)

    def populate_affine(self, net: Network, params: Params, channels: int | None) -> Population:
        """The neuron without its spikes: what it sends is the voltage."""
        self.check(params)
        raise NotImplementedError

    def dropped(self, net: Network, neuron: Process, params: Params) -> Process:
        """The neuron, or the dropout behind it."""
        p: Any = params.get("dropout")
        return (
            neuron
            if p is None
            else follow(net, neuron, Dropout(float(getattr(p, "p", p))), "dropout")
        )

    def behind_norm(
        self, net: Network, neuron: Process, ports: list[InPort], params: Params
    ) -> list[InPort]:
        """Put a norm before each input of a neuron."""
        names = ("real_norm", "imag_norm") if self.is_complex else ("norm",)
        norms = [net.add(norm_of(params["norm"])(), name) for name in names]
        for norm, port in zip(norms, ports, strict=True):
            net.connect(norm, port)
        return [entrance(norm) for norm in norms]

    def neuron(
        self, params: Params, channels: int | None, options: Mapping[str, Any] | None = None
    ) -> Process:
        """The population that lava-dl's arguments describe."""
        shared = params.get("shared_param", True)
        values = {n: drawn(params[n], None if shared else channels) for n in self.numbers}
        values.update({n: params[n] for n in self.fixed})
        values.update(self.options(params, channels), **(options or {}))
        return self.process(**self.renamed(values))  # type: ignore[no-any-return]

    def options(self, params: Params, channels: int | None) -> dict[str, Any]:
        """Arguments of our process that lava-dl names otherwise."""
        found = {n: params[n] for n in ("tau_grad", "scale_grad", "scale") if n in params}
        if params.get("graded_spike"):
            found["output"] = "graded"
        if params.get("requires_grad"):
            found["learn"] = self.learned
        return found

    @property
    def learned(self) -> tuple[str, ...]:
        """Parameters of our process that requires_grad trains."""
        return tuple(n for n in self.numbers if n not in self.fixed)

    def renamed(self, values: dict[str, Any]) -> dict[str, Any]:
        """Arguments under the names that our process has for them."""
        return values

    def check(self, params: Params) -> None:
        """Refuse arguments that are missing or unknown."""
        known = {*self.numbers, *self.fixed, *COMMON, *self.extra}
        for name in (*self.fixed, *self.numbers):
            if name not in params:
                raise ParameterError(
                    f"neuron_params of {self.name}", f"have no {name!r}", "give it"
                )
        for name in params:
            if name not in known:
                raise ParameterError(
                    f"neuron_params of {self.name}",
                    f"have an unknown {name!r}; known: {', '.join(sorted(known))}",
                )

    @property
    def extra(self) -> tuple[str, ...]:
        """Further arguments that may be given."""
        return ()


class LeakyFamily(Family):
    """alif: a current and a voltage that leak."""

    def populate_affine(self, net: Network, params: Params, channels: int | None) -> Population:
        neuron = self.neuron(params, channels)
        current = net.add(leaky(neuron, "current_decay", params), "current")
        last = current
        if params.get("norm") is not None:
            last = follow(net, last, norm_of(params["norm"])(), "norm")
        voltage = follow(net, last, leaky(neuron, "voltage_decay", params), "voltage")
        return Population(self.dropped(net, voltage, params), [entrance(current)])


class CurrentFamily(LeakyFamily):
    """cuba: its norm stands between current and voltage."""

    def behind_norm(
        self, net: Network, neuron: Process, ports: list[InPort], params: Params
    ) -> list[InPort]:
        current = net.add(leaky(neuron, "current_decay", params), "current")
        neuron.current_decay = 1.0  # type: ignore[attr-defined]  # of CUBA
        neuron.learn = tuple(n for n in neuron.learn or () if n != "current_decay") or None
        net.connect(follow(net, current, norm_of(params["norm"])(), "norm"), ports[0])
        return [entrance(current)]


class ResonantFamily(Family):
    """rf and its kin: a period and a decay give the two factors of the rotation."""

    @property
    def extra(self) -> tuple[str, ...]:
        return ("log_init",)

    @property
    def learned(self) -> tuple[str, ...]:
        return ("sin_decay", "cos_decay")

    def populate_affine(self, net: Network, params: Params, channels: int | None) -> Population:
        neuron: Any = self.neuron(params, channels)
        ring = Resonator(
            sin_decay=neuron.sin_decay,
            cos_decay=neuron.cos_decay,
            scale=neuron.scale,
            learn=self.learned if params.get("requires_grad") else None,
        )
        net.add(ring, "resonator")
        ports = list(ring.in_ports.values())
        if params.get("norm") is not None:
            ports = self.behind_norm(net, ring, ports, params)
        return Population(self.dropped(net, ring, params), ports)

    def neuron(
        self, params: Params, channels: int | None, options: Mapping[str, Any] | None = None
    ) -> Process:
        if params.get("period") is not None and np.min(params["period"]) < 4:
            raise ParameterError(
                f"neuron_params of {self.name}, period", f"must be >= 4, got {params['period']}"
            )
        return super().neuron(params, channels, options)

    def options(self, params: Params, channels: int | None) -> dict[str, Any]:
        found = super().options(params, channels)
        shared = params.get("shared_param", True)
        if not shared and channels is not None and params.get("log_init", True):
            low, high = ends(params["period"])
            found["period"] = np.geomspace(low, high, channels)
        return found

    def renamed(self, values: dict[str, Any]) -> dict[str, Any]:
        turn = rotation(values.pop("period"), values.pop("decay"), f"neuron_params of {self.name}")
        values["sin_decay"], values["cos_decay"] = turn
        return values


class DifferenceFamily(Family):
    """sigma_delta: sums of differences, an activation, and its differences."""

    @property
    def extra(self) -> tuple[str, ...]:
        return ("cum_error",)

    @property
    def learned(self) -> tuple[str, ...]:
        return ("threshold",)

    def options(self, params: Params, channels: int | None) -> dict[str, Any]:
        found = super().options(params, channels)
        return found | {"cum_error": bool(params.get("cum_error", False))}

    def renamed(self, values: dict[str, Any]) -> dict[str, Any]:
        return values | {"activation": activation_of(values["activation"])}

    def behind_norm(
        self, net: Network, neuron: Process, ports: list[InPort], params: Params
    ) -> list[InPort]:
        raise NotImplementedError

    def populate(
        self, net: Network, params: Params, channels: int | None, **options: Any
    ) -> Population:
        if params.get("norm") is None:
            return super().populate(net, params, channels, **options)
        sigma = net.add(Sigma(**self.common(params)), "sigma")
        norm = follow(net, sigma, norm_of(params["norm"])(), "norm")
        act = follow(net, norm, Activation(activation_of(params["activation"])), "activation")
        delta = self.delta(params, channels)
        follow(net, act, delta, "neuron")
        return Population(self.dropped(net, delta, params), [entrance(sigma)])

    def populate_input(self, net: Network, params: Params, channels: int | None) -> Population:
        delta = net.add(self.delta(params, channels), "neuron")
        return Population(self.dropped(net, delta, params), [entrance(delta)])

    def populate_affine(self, net: Network, params: Params, channels: int | None) -> Population:
        sigma = net.add(Sigma(**self.common(params)), "sigma")
        return Population(sigma, [entrance(sigma)])

    def delta(self, params: Params, channels: int | None) -> Process:
        """The differences alone."""
        shared = params.get("shared_param", True)
        threshold = drawn(params["threshold"], None if shared else channels)
        return Delta(threshold=threshold, **self.options(params, channels))

    def common(self, params: Params) -> dict[str, Any]:
        """Options that all processes of the family have."""
        return {"scale": params["scale"]} if "scale" in params else {}


def activation_of(function: Any) -> str:
    """An activation by its name, or the function that torch has under it."""
    name = function if isinstance(function, str) else getattr(function, "__name__", "")
    if name not in ACTIVATIONS:
        raise ParameterError(
            "neuron_params, activation",
            f"must be a function named one of {tuple(ACTIVATIONS)}, got {function!r}",
        )
    return name


def leaky(neuron: Process, decay: str, params: Params) -> Process:
    """One of a neuron's leaky integrators on its own."""
    return LeakyIntegrator(
        decay=getattr(neuron, decay),
        scale=neuron.scale,  # type: ignore[attr-defined]  # of a FixedPoint
        learn="decay" if params.get("requires_grad") else None,
    )


def entrance(process: Process) -> InPort:
    """The first InPort."""
    return next(iter(process.in_ports.values()))


def drawn(value: Any, channels: int | None) -> Any:
    """A parameter: the number given, or one for each channel from within 1 % or the given pair."""
    if channels is None:
        low, high = ends(value) if isinstance(value, (list, tuple)) else (value, value)
        return (low + high) / 2
    low, high = ends(value) if isinstance(value, (list, tuple)) else (0.99 * value, 1.01 * value)
    numbers: Array = torch.empty(channels, dtype=torch.float64).uniform_(low, high).numpy()
    return numbers


def ends(value: Any) -> tuple[float, float]:
    """A pair of numbers, or one number twice."""
    if isinstance(value, (list, tuple)):
        low, high = value
        return float(low), float(high)
    return float(value), float(value)


def norm_of(norm: Any) -> Callable[..., Process]:
    """A norm by its class, its name or one of `bidl_sim.slayer.neuron.norm`."""
    name = norm if isinstance(norm, str) else getattr(norm, "__name__", type(norm).__name__)
    if name == "WeightScaleBatchNorm":
        name = "WgtScaleBatchNorm"
    if name not in NORMS:
        raise ParameterError("neuron_params, norm", f"must be one of {tuple(NORMS)}, got {norm!r}")
    return NORMS[name]
