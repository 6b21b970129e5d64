"""The blocks of lava-dl that have no synapse: input, shapes and averages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.processes import Flatten as FlattenProcess
from bidl_sim.processes import GroupMean, Scale
from bidl_sim.processes import Input as Source
from bidl_sim.processes import TimeDecimation as Decimation
from bidl_sim.processes.quantization import Grid
from bidl_sim.slayer.block.block import Block
from bidl_sim.slayer.neuron.family import Population
from bidl_sim.typing import Shape


class Input(Block):
    """Values to spikes, where they enter: ``neuron(q(weight) q(x) + q(bias))``, q on 8 bits.

    Parameters
    ----------
    neuron_params
        None passes the values on.
    weight, bias : one number each, learned if given
    delay_shift, count_log
        See `Block`.
    """

    file_type = "input"

    def __init__(
        self,
        neuron_params: Mapping[str, Any] | None = None,
        weight: float | None = None,
        bias: float | None = None,
        delay_shift: bool | None = None,
        count_log: bool = False,
    ) -> None:
        shift = self.family.shifts if delay_shift is None else delay_shift
        super().__init__(neuron_params, False, shift and neuron_params is not None, count_log)
        self.weight, self.bias = weight, bias
        self.prepare((1,), provisional=True)

    def build(self, shape: Shape, channels: int | None) -> Network:
        learned = [n for n in ("weight", "bias") if getattr(self, n) is not None]
        scale = Scale(
            1.0 if self.weight is None else float(self.weight),
            0.0 if self.bias is None else float(self.bias),
            quantize=Grid(self.neuron_params.get("scale", 64), 8),
            learn=learned or None,
        )
        net = Network()
        source: Process = net.add(Source(shape), "input")
        if self.weight is not None or self.bias is not None:
            net.add(scale, "transform")
            net.connect(source, scale)
            source = scale
        if self.neuron_params:
            self.attach(net, source, channels, None)
        return net

    def populate(self, net: Network, channels: int | None) -> Population:
        return self.family.populate_input(net, self.neuron_params, channels)


class Flatten(Block):
    """``(batch, channel, height, width, time)`` to ``(batch, all, time)``, channels first."""

    file_type = "flatten"

    def __init__(self, count_log: bool = False) -> None:
        super().__init__(None, count_log=count_log)

    def build(self, shape: Shape, channels: int | None) -> Network:
        return Network.sequential(Source(shape), FlattenProcess())

    def file_shape(self, shape: Shape) -> Shape:
        return (*shape, 1, 1)


class Average(Block):
    """The mean of each group of consecutive channels.

    Parameters
    ----------
    num_outputs : int
        How many groups there are.
    """

    file_type = "average"

    def __init__(self, num_outputs: int, count_log: bool = False) -> None:
        super().__init__(None, count_log=count_log)
        self.num_outputs = num_outputs

    def build(self, shape: Shape, channels: int | None) -> Network:
        return Network.sequential(Source(shape), GroupMean(self.num_outputs))


class TimeDecimation(Block):
    """The mean of every ``factor`` steps; time is filled up with zeros to whole bins.

    Parameters
    ----------
    factor : int
    """

    def __init__(self, factor: int, count_log: bool = False) -> None:
        super().__init__(None, count_log=count_log)
        self.factor = factor

    def build(self, shape: Shape, channels: int | None) -> Network:
        return Network.sequential(Source(shape), Decimation(self.factor))

    def forward(self, x: Tensor) -> Any:
        return super().forward(torch.nn.functional.pad(x, (0, -x.shape[-1] % self.factor)))

    def finished(self, y: Tensor) -> Tensor:
        return y[:, self.factor - 1 :: self.factor]
