"""Detection: what is where, at several scales."""

from __future__ import annotations

from collections.abc import Sequence

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.processes.aggregation import TimeMean
from bidl_sim.processes.io.input import Input
from bidl_sim.processes.io.sink import Sink
from bidl_sim.processes.networks.parallel import Make
from bidl_sim.processes.networks.residual import basic_block
from bidl_sim.processes.neurons.lif import LIF
from bidl_sim.processes.normalization.batch_norm import BatchNorm
from bidl_sim.processes.synapses.conv2d import Conv2d
from bidl_sim.processes.transforms.concat import Concat
from bidl_sim.processes.transforms.reshape import Reshape
from bidl_sim.typing import Shape


def detection_head(
    channels: Sequence[int],
    classes: int,
    hidden: int = 32,
    neuron: Make = LIF,
    name: str | None = None,
) -> Network:
    """For each place at each scale, scores of the classes and a box.

    ::

        s_in1 ─ conv 3x3 ─ norm ─ neuron ─┬─ conv 1x1 ─┐
                                          └─ conv 1x1 ─│─┐
        s_in2 ─ conv 3x3 ─ norm ─ neuron ─┬─ conv 1x1 ─┴─│─ scores  (classes, places)
                                          └─ conv 1x1 ───┴─ boxes   (4, places)

    The places of the first scale come first, row by row. What the four numbers of a box mean is
    what it is trained to.

    Parameters
    ----------
    channels
        Of each scale's image, of which there are at least two.
    classes, hidden : int
    neuron
        Makes a population, such as ``LIF`` or ``partial(LIF, alpha=0.9)``.
    name
        Within the enclosing network.

    References
    ----------
    One stage, several scales: Liu et al., SSD, ECCV 2016; scores and boxes apart: Ge et al., YOLOX,
    2021.
    """
    if len(channels) < 2:
        raise ParameterError(
            "detection_head, channels", f"must be of two scales at least, got {channels!r}"
        )
    net = Network(name=name)
    joins = {
        "scores": (classes, net.add(Concat(len(channels), axis=1), "scores")),
        "boxes": (4, net.add(Concat(len(channels), axis=1), "boxes")),
    }
    for scale, size in enumerate(channels, 1):
        trunk = Network.sequential(
            Conv2d(size, hidden, 3, padding=1), BatchNorm(), neuron(), name=f"trunk{scale}"
        )
        net.expose(net.add(trunk).in_ports["s_in"], f"s_in{scale}")
        for what, (values, join) in joins.items():
            branch = Network.sequential(
                Conv2d(hidden, values, 1), Reshape((values, -1)), name=f"{what}{scale}"
            )
            net.connect(trunk, net.add(branch))
            net.connect(branch, join.in_ports[f"s_in{scale}"])
    for what, (_, join) in joins.items():
        net.expose(join.a_out, what)
    return net


def detector(
    shape: Shape,
    classes: int,
    channels: Sequence[int] = (16, 32, 64),
    hidden: int = 32,
    neuron: Make = LIF,
    seed: int = 0,
) -> Network:
    """A spiking detector with two outputs, ``scores`` (classes, places) and ``boxes`` (4, places).

    Each residual block halves the image; all but the first are scales of the `detection_head`,
    whose outputs are averaged over time.

    Parameters
    ----------
    shape : (channel, height, width) of a frame
    classes : int
    channels
        Of each block, at least three.
    hidden, neuron
        See `detection_head`.
    seed
        See `Network`.
    """
    net = Network(seed=seed)
    head = detection_head(channels[1:], classes, hidden, neuron, name="head")
    last: Process = net.add(Input(shape))
    before = shape[0]
    net.add(head)
    for number, after in enumerate(channels):
        block = basic_block(before, after, 2, neuron, shortcut="conv", name=f"block{number + 1}")
        net.connect(last, net.add(block))
        if number:
            net.connect(block, head.in_ports[f"s_in{number}"])
        last, before = block, after
    for what in ("scores", "boxes"):
        mean = net.add(TimeMean(), f"{what}_mean")
        net.connect(head.out_ports[what], mean)
        net.connect(mean, net.add(Sink(), what))
    return net
