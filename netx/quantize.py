"""From a network with weights of 32 bits to one whose weights take few."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.netx.graph import to_network, to_record
from bidl_sim.processes.quantization import FORMATS, Grid
from bidl_sim.processes.synapses.rounded import RoundedSynapse


def quantize(net: Process, weights: str = "int8", skip: Collection[str] = ()) -> Network:
    """The same network with the weights of its synapses rounded; ``net`` stays as it is.

    Each synapse gets the option ``quantize`` and the weights it then uses, with norms and masks in
    them. Biases, normalisations and neurons keep their numbers. In a native file, weights of whole
    numbers take a byte each.

    Parameters
    ----------
    net
        The network; a single process stands for everything it is connected to.
    weights : "int8", "int4" or "float16"
        Whole numbers up to 127 or 7 times a scale for each output (for a `Sparse`, for all), or
        floats of 16 bits.
    skip
        Paths of synapses that keep their weights.

    Raises `ParameterError` where there is nothing to round, and for synapses that cannot be: those
    on a `Grid`, and those whose weights a rule changes.
    """
    if not isinstance(net, Process):
        raise ParameterError("netx.quantize", f"takes a network, got {type(net).__name__}")
    network = net if isinstance(net, Network) else Network.of(net)
    network.build()
    made = to_network(to_record(network), network.label, network.name)
    made.metadata = dict(network.metadata)
    use(made, weights, skip)
    settle(made)
    return made


def use(network: Network, weights: str, skip: Collection[str] = ()) -> None:
    """Let the synapses of a network round their weights whenever they use them; in place."""
    if weights not in FORMATS:
        raise ParameterError(
            "quantize, weights", f"must be one of {', '.join(FORMATS)}, got {weights!r}"
        )
    synapses = roundable(network)
    if unknown := [path for path in skip if path not in synapses]:
        raise ParameterError(
            "quantize, skip",
            f"{unknown[0]!r} has no weights to round; has: {', '.join(synapses) or 'nothing'}",
        )
    chosen = {path: synapse for path, synapse in synapses.items() if path not in skip}
    if not chosen:
        raise ParameterError(network.label, "has no weights to round")
    for synapse in chosen.values():
        if isinstance(synapse.quantize, Grid):
            raise ParameterError(
                f"{synapse.where}, quantize", f"is {synapse.quantize} already", "skip this process"
            )
    for synapse in chosen.values():
        synapse.quantize = weights
    network.build()


def settle(network: Network) -> None:
    """Put the rounded weights in the place of those they are made of; in place."""
    for synapse in roundable(network).values():
        if isinstance(synapse.quantize, str):
            synapse.settle()


def roundable(network: Network) -> dict[str, Any]:
    """The synapses whose weights can be rounded, by path."""
    processes = network.build().processes.items()
    return {path: process for path, process in processes if isinstance(process, RoundedSynapse)}
