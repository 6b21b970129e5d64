"""Normalisations of lava-dl, which become biases and exponents on a chip.

Give a neuron the class, ``norm=slayer.neuron.norm.MeanOnlyBatchNorm``, or use one by itself.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from bidl_sim.core.network import Network
from bidl_sim.processes import Input, WeightScaleBatchNorm
from bidl_sim.processes import MeanOnlyBatchNorm as MeanOnly
from bidl_sim.processes.quantization import Grid
from bidl_sim.slayer.face import Face
from bidl_sim.slayer.synapse.plan import grid_of
from bidl_sim.typing import Shape


class MeanOnlyBatchNorm(Face):
    """Take away the mean of each channel; see the process of this name.

    Parameters
    ----------
    num_features : int
        How many channels there are; without it the first input shows it.
    momentum : default 0.1
    pre_hook_fx : Grid or `quantize_hook_fx`, default the grid of 8 bits
        The numbers that a mean is rounded to.
    """

    def __init__(
        self, num_features: int | None = None, momentum: float = 0.1, pre_hook_fx: Any = None
    ) -> None:
        super().__init__()
        self.grid = grid_of(pre_hook_fx) or Grid()
        self.options: dict[str, Any] = {"momentum": momentum, "quantize": self.grid}
        self.prepare((num_features or 1,), provisional=num_features is None)

    def process(self) -> MeanOnly:
        """A new process."""
        return MeanOnly(**self.options)

    def build(self, shape: Shape, channels: int | None) -> Network:
        net = Network()
        net.connect(net.add(Input(shape), "input"), net.add(self.process(), "norm"))
        return net

    def forward(self, x: Tensor) -> Tensor:
        """The normalised values ``(batch, channel, ..., time)``."""
        return self.run(x).movedim(1, -1)

    @property
    def running_mean(self) -> Tensor:
        """The mean that is taken away outside training."""
        mean: Tensor = self.norm.mean
        return mean

    @property
    def bias(self) -> Tensor:
        """What a chip adds to the neurons' inputs, before any exponent."""
        bias: Tensor = -self.grid.scale * self.grid(self.running_mean)
        return bias


class WgtScaleBatchNorm(MeanOnlyBatchNorm):
    """Take away the mean of each channel and divide by a power of two; see `WeightScaleBatchNorm`.

    Parameters
    ----------
    num_features, momentum, pre_hook_fx
        See `MeanOnlyBatchNorm`.
    weight_exp_bits : default 3
        The largest exponent either way.
    eps : default 1e-5
    """

    def __init__(
        self,
        num_features: int | None = None,
        momentum: float = 0.1,
        weight_exp_bits: int = 3,
        eps: float = 1e-5,
        pre_hook_fx: Any = None,
    ) -> None:
        self.scaling: dict[str, Any] = {"max_exponent": weight_exp_bits, "eps": eps}
        super().__init__(num_features, momentum, pre_hook_fx)

    def process(self) -> MeanOnly:
        return WeightScaleBatchNorm(**self.scaling, **self.options)

    @property
    def running_var(self) -> Tensor:
        """The variance of all channels."""
        var: Tensor = self.norm.var
        return var
