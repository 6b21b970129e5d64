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
from bidl_sim.processes import Dropout, MeanOnlyBatchNorm, WeightScaleBatchNorm
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

    All families know these arguments:

    ================  ========================================================================
    tau_grad,         width and height of the surrogate gradient
    scale_grad
    scale             mantissas in 1.0, default 64
    norm              a class of `bidl_sim.slayer.neuron.norm`
    dropout           a probability, or `bidl_sim.slayer.neuron.Dropout`
    shared_param      default True; False gives each channel numbers of its own, from within 1 %
                      of those given or, given a pair, from between
    persistent_state  go on from the state of the last call while the batch has the same size
    requires_grad     learn the decays of current and voltage or of the resonator, or the threshold
                      of sigma_delta; those of adaptive thresholds get no gradient
    graded_spike      spikes carry the membrane (not sigma_delta)
    ================  ========================================================================

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
        values = {
            n: drawn(params[n], None if shared else channels, most=1.0 if "decay" in n else np.inf)
            for n in self.numbers
        }
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
        raise NotImplementedError

    def renamed(self, values: dict[str, Any]) -> dict[str, Any]:
        """Arguments under the names that our process has for them."""
        return values

    def check(self, params: Params) -> None:
        """Refuse arguments that are missing or unknown."""
        known = {*self.numbers, *self.fixed, *self.optional}
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
    def optional(self) -> set[str]:
        """Arguments that may be left out."""
        return COMMON


def entrance(process: Process) -> InPort:
    """The first InPort."""
    return next(iter(process.in_ports.values()))


def drawn(value: Any, channels: int | None, most: float = np.inf) -> Any:
    """A parameter: the number given, or one for each channel from within 1 % or the given pair.

    From a number that is at most ``most``, no channel gets more than that.
    """
    low, high = ends(value)
    if channels is None:
        return (low + high) / 2
    if low == high:
        low, high = 0.99 * low, min(1.01 * high, max(high, most))
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
