"""The blocks of lava-dl with a synapse and no recurrence, for any family of neurons."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from bidl_sim.core.network import Network
from bidl_sim.processes import Conv2d, ConvTranspose2d, SumPool2d, Unpool2d
from bidl_sim.processes.quantization import Grid
from bidl_sim.slayer.block.block import Block
from bidl_sim.slayer.neuron.family import Params
from bidl_sim.slayer.synapse.plan import ConvPlan, DensePlan, Plan, PoolPlan, Size, Weights
from bidl_sim.slayer.synapse.weighing import Weighing, WeighingPair
from bidl_sim.typing import Shape


class Connected(Block):
    """Base of the blocks with a synapse.

    Parameters
    ----------
    neuron_params
    weight_scale : default 1
        Times what torch's layers begin with.
    weight_norm : bool
        Learn length and direction of each output's weights apart.
    pre_hook_fx : Grid or `quantize_hook_fx`, default the grid of 8 bits
        The numbers that weights are rounded to; False for none.
    delay, count_log
        See `Block`.
    delay_shift : bool
        See `Block`; by default that of the family, False for sigma_delta and True elsewhere.
    mask
        0 where there is no synapse, 1 elsewhere.
    """

    plan: Plan

    def __init__(
        self,
        neuron_params: Params,
        plan: Plan,
        delay: bool,
        delay_shift: bool | None,
        count_log: bool,
    ) -> None:
        shift = self.family.shifts if delay_shift is None else delay_shift
        super().__init__(neuron_params, delay, shift, count_log)
        self.plan = plan
        self.prepare(plan.smallest, provisional=isinstance(plan, PoolPlan))

    def channels_of(self, shape: Shape) -> int:
        return self.plan.channels_of(shape)

    def build(self, shape: Shape, channels: int | None) -> Network:
        return self.assembled(shape, channels, self.plan)

    def forward(self, x: Tensor) -> Any:
        return super().forward(self.plan.arranged(x))

    @property
    def synapse(self) -> Weighing | WeighingPair:
        """The synapse, before complex neurons a pair."""
        if not self.family.is_complex:
            return Weighing(self.part("synapse"))
        return WeighingPair(*(Weighing(self.part(f"synapse_{p}")) for p in ("real", "imag")))


def weights(
    params: Params, scale: float, norm: bool = False, hook: Any = None, mask: Any = None
) -> Weights:
    """The weights of a block, by default on the grid of its neurons."""
    return Weights(scale, norm, Grid(params.get("scale", 64), 8) if hook is None else hook, mask)


class Dense(Connected):
    """All to all: ``(batch, in, time)`` to ``(batch, out, time)``.

    Parameters
    ----------
    neuron_params
    in_neurons : int, or the shape (channel, height, width) of what arrives
    out_neurons : int
    weight_scale, weight_norm, pre_hook_fx, delay, delay_shift, mask, count_log
        See `Connected`.
    """

    file_type = "dense"
    plan: DensePlan

    def __init__(
        self,
        neuron_params: Params,
        in_neurons: Any,
        out_neurons: int,
        weight_scale: float = 1,
        weight_norm: bool = False,
        pre_hook_fx: Any = None,
        delay: bool = False,
        delay_shift: bool | None = None,
        mask: Any = None,
        count_log: bool = False,
    ) -> None:
        drawn = weights(neuron_params, weight_scale, weight_norm, pre_hook_fx, mask)
        plan = DensePlan(in_neurons, out_neurons, drawn)
        super().__init__(neuron_params, plan, delay, delay_shift, count_log)


class Conv(Connected):
    """Convolution: ``(batch, in, height, width, time)`` to ``(batch, out, height', width', time)``.

    Parameters
    ----------
    neuron_params
    in_features, out_features : int
        Channels.
    kernel_size, stride, padding, dilation : int or (height, width)
    groups : int
    weight_scale, weight_norm, pre_hook_fx, delay, delay_shift, count_log
        See `Connected`.
    """

    file_type = "conv"
    process: ClassVar[Any] = Conv2d

    def __init__(
        self,
        neuron_params: Params,
        in_features: int,
        out_features: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        dilation: Size = 1,
        groups: int = 1,
        weight_scale: float = 1,
        weight_norm: bool = False,
        pre_hook_fx: Any = None,
        delay: bool = False,
        delay_shift: bool | None = None,
        count_log: bool = False,
    ) -> None:
        drawn = weights(neuron_params, weight_scale, weight_norm, pre_hook_fx)
        plan = ConvPlan(
            self.process,
            in_features,
            out_features,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            drawn,
        )
        super().__init__(neuron_params, plan, delay, delay_shift, count_log)


class ConvT(Conv):
    """Transposed convolution; see `Conv`."""

    file_type = "convT"
    process = ConvTranspose2d


class Pool(Connected):
    """The sum of each window times a fixed weight; height and width are padded to whole windows.

    Parameters
    ----------
    neuron_params
    kernel_size, stride : int or (height, width), stride default kernel_size
    padding : int or (height, width)
    weight_scale : the weight
    dilation, weight_norm
        Not to be had: the weight is fixed.
    pre_hook_fx, delay, delay_shift, count_log
        See `Connected`.
    """

    file_type = "pool"
    process: ClassVar[type[Any]] = SumPool2d

    def __init__(
        self,
        neuron_params: Params,
        kernel_size: Size,
        stride: Size = None,
        padding: Size = 0,
        dilation: Size = 1,
        weight_scale: float = 1,
        weight_norm: bool = False,
        pre_hook_fx: Any = None,
        delay: bool = False,
        delay_shift: bool | None = None,
        count_log: bool = False,
    ) -> None:
        fixed = weights(neuron_params, weight_scale, weight_norm, pre_hook_fx)
        plan = PoolPlan(self.process, kernel_size, stride, padding, dilation, fixed)
        super().__init__(neuron_params, plan, delay, delay_shift, count_log)


class Unpool(Pool):
    """Each value, times a fixed weight, to its whole window; see `Pool`."""

    file_type = "unpool"
    process = Unpool2d
