"""The neurons of a layer, and the normalisation before or within them that became a bias."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from bidl_sim.core.network import Network
from bidl_sim.core.port import InPort
from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError
from bidl_sim.netx.lava.file import Layer
from bidl_sim.netx.lava.neurons import WITHOUT, Model, population
from bidl_sim.processes import (
    Activation,
    LeakyIntegrator,
    MeanOnlyBatchNorm,
    Scale,
    Sigma,
    WeightScaleBatchNorm,
)
from bidl_sim.processes.neurons.fixed_point import MANTISSA
from bidl_sim.processes.quantization import Grid
from bidl_sim.typing import Array


@dataclass(frozen=True)
class Entrance:
    """The neurons of a layer and the ports, one or two, that its synapses feed."""

    neuron: Process
    ports: list[InPort]


def entrance(
    net: Network, name: str, layer: Layer, model: Model, bias: Array | None, reset: dict[str, Any]
) -> Entrance:
    """Add the neurons of a layer under ``name``, with its bias.

    lava-dl normalises the current of cuba, the sum of sigma_delta and the input of the others. A
    mean alone is a bias of the first two. Where ``weight_exp`` scales as well, the parts of a
    neuron stand apart: Lava leaves that out, and so does ``as_lava``.
    """
    neuron = layer.neuron or WITHOUT
    where = f"{layer.where}/neuron"
    exponent = 0 if model.as_lava else _exponent(neuron.get("weight_exp", 0), where)
    if neuron["type"] in ("CUBA", "LOIHI", "SDNN") and not exponent:
        if bias is not None:
            reset = {**reset, "bias": bias * model.mantissa}
        end = net.add(population(neuron, model, where, **reset), name)
        return Entrance(end, list(end.in_ports.values()))
    is_sum = neuron["type"] == "SDNN"
    end = net.add(population(neuron, model, where, is_sum, **reset), name)
    ports = list(end.in_ports.values())
    mean = np.broadcast_to(0.0 if bias is None else -bias, layer.shape[:1]) * model.mantissa
    if is_sum:
        return _of_sum(net, name, end, mean, exponent, neuron.get("activation", "relu"))
    if neuron["type"] in ("CUBA", "LOIHI"):
        return _of_current(net, name, end, mean, exponent)
    if bias is None and not exponent:
        return Entrance(end, ports)
    labels = ("",) if len(ports) == 1 else ("_real", "_imag")
    norms = []
    for label, port in zip(labels, ports, strict=True):
        norm = net.add(_norm(mean, exponent, model.mantissa), f"{name}{label}_norm")
        net.connect(norm, port)
        norms.append(norm.in_ports["s_in"])
    return Entrance(end, norms)


def _exponent(value: Any, where: str) -> int:
    """The power of two that a normalisation divides by."""
    exponent = np.asarray(value)
    if exponent.size != 1 or abs(exponent.item()) > 32 or exponent.item() % 1:
        raise FormatError(
            f"{where}/weight_exp", f"must be a whole number in [-32, 32], is {exponent.tolist()}"
        )
    return int(exponent.item())


def _of_current(net: Network, name: str, end: Any, mean: Array, exponent: int) -> Entrance:
    """Current, normalisation, voltage."""
    shared = {n: getattr(end, n) for n in ("arithmetic", "wrap", "reset_interval", "reset_offset")}
    current = LeakyIntegrator(decay=end.current_decay, **shared)
    end.current_decay = 1.0
    return _in_a_row(net, name, end, {"current": current}, mean, exponent, MANTISSA)


def _of_sum(
    net: Network, name: str, end: Any, mean: Array, exponent: int, function: str
) -> Entrance:
    """Sum, normalisation, activation, differences."""
    one = 2.0 ** (end.state_exp + end.spike_exp)
    parts = {"sigma": Sigma(), "activation": Activation(function)}
    return _in_a_row(net, name, end, parts, mean, exponent, one)


def _in_a_row(
    net: Network,
    name: str,
    end: Any,
    parts: dict[str, Process],
    mean: Array,
    exponent: int,
    one: float,
) -> Entrance:
    """The parts of a neuron with a normalisation behind the first; integers are ``one`` larger."""
    (label, first), *others = parts.items()
    integer = end.arithmetic == "integer"
    unit = one if integer else 1 / end.scale
    norm = _norm(mean * one if integer else mean, exponent, unit)
    row = [(label, first), ("norm", norm), *others]
    if integer:
        row.append(("scale", Scale(1 / one)))
    for label, process in row:
        net.add(process, f"{name}_{label}")
    for (_, source), (_, target) in pairwise([*row, ("", end)]):
        net.connect(source, target)
    return Entrance(end, list(first.in_ports.values()))


def _norm(mean: Array, exponent: int, unit: float) -> Process:
    """Takes away ``mean``, whole multiples of ``unit``, and divides by 2^exponent."""
    grid = Grid(max(round(1 / unit), 1), 8)
    if not np.array_equal(grid(mean), mean):
        grid = Grid(2 * grid.scale, 24)  # every whole number
    if not exponent:
        return MeanOnlyBatchNorm(mean=mean, quantize=grid)
    variance = 4.0**exponent / 2  # between two powers, so that its exponent is this one
    return WeightScaleBatchNorm(mean=mean, var=variance, quantize=grid)
