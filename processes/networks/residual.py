"""Residual networks of spiking neurons."""

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
from bidl_sim.processes.synapses.pool import AvgPool2d, MaxPool2d
from bidl_sim.processes.transforms.add import Add
from bidl_sim.processes.transforms.global_avg_pool import GlobalAvgPool
from bidl_sim.typing import Shape

DEPTHS = {
    10: (1, (1, 1, 1, 1)),
    18: (1, (2, 2, 2, 2)),
    34: (1, (3, 4, 6, 3)),
    50: (4, (3, 4, 6, 3)),
    101: (4, (3, 4, 23, 3)),
    152: (4, (3, 8, 36, 3)),
}
"""By depth: how many times wider a block's end is than its middle, and the blocks of each stage."""

SHORTCUTS = ("avg", "conv")


def basic_block(
    in_channels: int,
    out_channels: int,
    stride: int = 1,
    neuron: Make = LIF,
    first: Make | None = None,
    shortcut: str = "avg",
    name: str | None = None,
) -> Network:
    """Two convolutions beside a shortcut; the sum drives the last population.

    ::

        s_in ─┬─ conv 3x3 / stride ─ norm ─ first ─ conv 3x3 ─ norm ─┬─ + ─ neuron ─ s_out
              └─ shortcut ───────────────────────────────────────────┘

    The shortcut is the input itself; where stride or channels change, ``"avg"`` takes means over
    stride x stride places, a 1x1 convolution and a normalisation, ``"conv"`` the convolution with
    that stride, which odd sizes need.

    Parameters
    ----------
    in_channels, out_channels, stride : int
    neuron, first
        Make a population, such as ``LIF`` or ``partial(LIF, alpha=0.9)``; ``first`` is the one
        between the convolutions, another ``neuron`` unless given.
    shortcut : "avg" or "conv"
    name
        Within the enclosing network.

    References
    ----------
    He et al., CVPR 2016; with LIF neurons: Wu et al., BIDL, Front. Neurosci. 17 (2023). The mean in
    the shortcut: He et al., CVPR 2019.
    """
    body = [
        *_conv(in_channels, out_channels, 3, stride),
        (first or neuron)(),
        *_conv(out_channels, out_channels, 3),
    ]
    return _block(body, in_channels, out_channels, stride, neuron, shortcut, name)


def bottleneck_block(
    in_channels: int,
    out_channels: int,
    stride: int = 1,
    neuron: Make = LIF,
    first: Make | None = None,
    shortcut: str = "avg",
    name: str | None = None,
) -> Network:
    """As `basic_block`, with 1x1, 3x3 / stride, 1x1 convolutions, the middle on a quarter of the
    channels.
    """
    if out_channels % 4:
        raise ParameterError(
            "bottleneck_block, out_channels", f"must be a multiple of 4, got {out_channels}"
        )
    middle = out_channels // 4
    body = [
        *_conv(in_channels, middle, 1),
        (first or neuron)(),
        *_conv(middle, middle, 3, stride),
        neuron(),
        *_conv(middle, out_channels, 1),
    ]
    return _block(body, in_channels, out_channels, stride, neuron, shortcut, name)


def resnet(
    shape: Shape,
    classes: int,
    depth: int = 18,
    channels: int = 64,
    neuron: Make = LIF,
    between: Make | None = None,
    shortcut: str = "avg",
    seed: int = 0,
) -> Network:
    """A spiking ResNet: stem, four stages, mean over places, mean over time, scores.

    Parameters
    ----------
    shape : (channel, height, width) of a frame
    classes : int
    depth : 10, 18, 34 (basic blocks), 50, 101 or 152 (bottlenecks)
    channels
        Of the stem and of the first stage's middle; they double from stage to stage.
    neuron, shortcut
        See `basic_block`.
    between
        Stands for ``neuron`` everywhere but in the stem and at the first place of each stage:
        ``Activation`` leaves five spiking populations, the lite version of BIDL.
    seed
        See `Network`.
    """
    if depth not in DEPTHS:
        raise ParameterError("resnet, depth", f"must be one of {tuple(DEPTHS)}, got {depth!r}")
    as_int("resnet, channels", channels, 1)
    wider, stages = DEPTHS[depth]
    make = basic_block if wider == 1 else bottleneck_block
    between = between or neuron
    blocks: list[Process] = []
    before = channels
    for stage, count in enumerate(stages, 1):
        after = channels * wider * 2 ** (stage - 1)
        for number in range(1, count + 1):
            stride = 2 if stage > 1 and number == 1 else 1
            first = neuron if number == 1 else between
            name = f"stage{stage}_block{number}"
            blocks.append(make(before, after, stride, between, first, shortcut, name))
            before = after
    return Network.sequential(
        Input(shape),
        *_conv(shape[0], channels, 7, 2),
        neuron(),
        MaxPool2d(3, stride=2, padding=1),
        *blocks,
        GlobalAvgPool(),
        TimeMean(),
        Dense(before, classes),
        seed=seed,
    )


def _conv(before: int, after: int, kernel: int, stride: int = 1) -> tuple[Process, ...]:
    """A convolution that keeps the size but for its stride, and its normalisation."""
    return Conv2d(before, after, kernel, stride=stride, padding=kernel // 2), BatchNorm()


def _block(
    body: list[Process],
    before: int,
    after: int,
    stride: int,
    neuron: Make,
    shortcut: str,
    name: str | None,
) -> Network:
    if shortcut not in SHORTCUTS:
        raise ParameterError("shortcut", f"must be one of {SHORTCUTS}, got {shortcut!r}")
    way: Process = Add(name="shortcut")
    if stride > 1 or before != after:
        pool = [AvgPool2d(stride)] if shortcut == "avg" and stride > 1 else []
        way = Network.sequential(
            *pool, *_conv(before, after, 1, 1 if pool else stride), name="shortcut"
        )
    branches = parallel(Network.sequential(*body, name="body"), way, name="branches")
    return Network.sequential(branches, neuron(), name=name)
