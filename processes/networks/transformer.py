"""Spiking transformers: attention between the places of an image, by counting common spikes."""

from __future__ import annotations

from bidl_sim.core.fields import as_int
from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.processes.aggregation import TimeMean
from bidl_sim.processes.io.input import Input
from bidl_sim.processes.networks.parallel import Make, parallel
from bidl_sim.processes.neurons.lif import LIF
from bidl_sim.processes.normalization.batch_norm import BatchNorm
from bidl_sim.processes.synapses.conv2d import Conv2d
from bidl_sim.processes.synapses.dense import Dense
from bidl_sim.processes.synapses.pool import MaxPool2d
from bidl_sim.processes.transforms.add import Add
from bidl_sim.processes.transforms.einsum import Einsum
from bidl_sim.processes.transforms.global_avg_pool import GlobalAvgPool
from bidl_sim.processes.transforms.reshape import Reshape
from bidl_sim.typing import Shape


def spiking_self_attention(
    shape: Shape, heads: int, scale: float = 0.125, neuron: Make = LIF, name: str | None = None
) -> Network:
    """Each place of an image takes up what other places hold, by how many spikes they share.

    ::

              ┌─ map ─ q ─┐
        s_in ─┼─ map ─ k ─┴─ scores ─┐
              └─ map ─ v ────────────┴─ mixed ─ neuron ─ map ─ s_out

        map: conv 1x1 ─ norm ─ neuron
        scores[h, i, j] = scale sum over d of q[h, d, i] k[h, d, j]
        mixed[h, d, i] = sum over j of scores[h, i, j] v[h, d, j]

    within one step; i and j are places, h is the head, and d counts the channels of one head. The
    scores are counts of spikes: there is nothing to normalise, and no softmax. A map of each token
    by itself is a 1x1 convolution, so tokens stay in their image.

    Parameters
    ----------
    shape : (channel, height, width)
    heads
        Into so many groups the channels are divided.
    scale
        Brings the counts into the range of the threshold.
    neuron
        Makes a population, such as ``LIF`` or ``partial(LIF, alpha=0.9)``.
    name
        Within the enclosing network.

    References
    ----------
    Zhou et al., Spikformer, ICLR 2023.
    """
    channels = shape[0]
    if channels % as_int("spiking_self_attention, heads", heads, 1):
        raise ParameterError(
            "spiking_self_attention, heads",
            f"must divide the channels; {channels} is no multiple of {heads}",
        )
    net = Network(name=name)
    enter = net.add(Add(), "enter")
    scores = net.add(Einsum("hdi,hdj->hij", scale), "scores")
    mixed = net.add(Einsum("hij,hdj->hdi"), "mixed")
    for name_, port in (("q", scores.first), ("k", scores.second), ("v", mixed.second)):
        tokens = Reshape((heads, channels // heads, -1))
        side = Network.sequential(*_map(channels, channels), neuron(), tokens, name=name_)
        net.connect(enter, net.add(side))
        net.connect(side, port)
    net.connect(scores, mixed.first)
    end = Network.sequential(
        Reshape(shape), neuron(), *_map(channels, channels), neuron(), name="end"
    )
    net.connect(mixed, net.add(end))
    net.expose(enter.s_in)
    net.expose(end.ports["s_out"])
    return net


def transformer_block(
    shape: Shape,
    heads: int,
    mlp_ratio: int = 4,
    scale: float = 0.125,
    neuron: Make = LIF,
    name: str | None = None,
) -> Network:
    """Attention, then a map of each token by itself, both beside a shortcut.

    ::

        s_in ─┬─ spiking_self_attention ─┬─ + ─┬─ mlp ─┬─ + ─ a_out
              └──────────────────────────┘     └───────┘

        mlp: conv 1x1 ─ norm ─ neuron ─ conv 1x1 ─ norm ─ neuron

    What leaves are sums of spikes: small whole numbers.

    Parameters
    ----------
    shape, heads, scale, neuron, name
        See `spiking_self_attention`.
    mlp_ratio
        How many times more channels there are within ``mlp``.
    """
    channels = shape[0]
    hidden = channels * as_int("transformer_block, mlp_ratio", mlp_ratio, 1)
    mlp = Network.sequential(
        *_map(channels, hidden), neuron(), *_map(hidden, channels), neuron(), name="mlp"
    )
    attention = spiking_self_attention(shape, heads, scale, neuron, name="attention")
    return Network.sequential(
        parallel(attention, Add(name="shortcut"), name="first"),
        parallel(mlp, Add(name="shortcut"), name="second"),
        name=name,
    )


def spikformer(
    shape: Shape,
    classes: int,
    channels: int = 64,
    depth: int = 2,
    heads: int = 8,
    halvings: int = 2,
    mlp_ratio: int = 4,
    neuron: Make = LIF,
    seed: int = 0,
) -> Network:
    """A spiking transformer: patches, blocks, mean over places, mean over time, scores.

    Patches come from ``halvings`` convolutions 3x3, each with normalisation, neuron and a max pool
    3x3 / 2, the channels doubling up to ``channels``; one more convolution, beside a shortcut,
    tells each patch where it stands.

    Parameters
    ----------
    shape : (channel, height, width) of a frame
    classes, channels, depth, heads, halvings : int
        ``depth`` is the number of blocks.
    mlp_ratio, neuron
        See `transformer_block`.
    seed
        See `Network`.
    """
    as_int("spikformer, depth", depth, 1)
    layers: list[Process] = []
    before, size = shape[0], shape[1:]
    for left in reversed(range(as_int("spikformer, halvings", halvings, 1))):
        after = max(1, channels // 2**left)
        layers += [*_map(before, after, 3), neuron(), MaxPool2d(3, stride=2, padding=1)]
        before, size = after, tuple((n + 1) // 2 for n in size)
    place = Network.sequential(*_map(channels, channels, 3), neuron(), name="place")
    blocks = (
        transformer_block((channels, *size), heads, mlp_ratio, neuron=neuron, name=f"block{number}")
        for number in range(1, depth + 1)
    )
    return Network.sequential(
        Input(shape),
        *layers,
        parallel(place, Add(name="shortcut"), name="patches"),
        *blocks,
        GlobalAvgPool(),
        TimeMean(),
        Dense(channels, classes),
        seed=seed,
    )


def _map(before: int, after: int, kernel: int = 1) -> tuple[Process, ...]:
    """A convolution that keeps the size, and its normalisation."""
    return Conv2d(before, after, kernel, padding=kernel // 2), BatchNorm()
