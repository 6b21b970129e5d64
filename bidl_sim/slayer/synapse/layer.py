"""Synapses of lava-dl: weighted sums, without neurons."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from bidl_sim.core.network import Network
from bidl_sim.processes import Conv2d, ConvTranspose2d, Input, SumPool2d, Unpool2d
from bidl_sim.slayer.face import Face
from bidl_sim.slayer.synapse.plan import ConvPlan, DensePlan, Plan, PoolPlan, Size, Weights
from bidl_sim.slayer.synapse.weighing import grad_norm
from bidl_sim.typing import Shape


class Synapse(Face):
    """Base: takes ``(batch, channel, ..., time)``, weighs and sums.

    Parameters
    ----------
    weight_scale : default 1
        Times what torch's layers begin with.
    weight_norm : bool
        Learn length and direction of each output's weights apart.
    pre_hook_fx : Grid or `quantize_hook_fx`
        The numbers that weights are rounded to; may be set later, too.
    """

    def __init__(self, plan: Plan, weights: Weights) -> None:
        super().__init__()
        self.plan, self.weights = plan, weights
        self.prepare(plan.smallest)

    def channels_of(self, shape: Shape) -> int:
        return self.plan.channels_of(shape)

    def build(self, shape: Shape, channels: int | None) -> Network:
        net = Network()
        net.connect(net.add(Input(shape), "input"), net.add(self.plan("synapse"), "synapse"))
        return net

    def forward(self, x: Tensor) -> Tensor:
        """The weighted sums."""
        return self.run(self.plan.arranged(x)).movedim(1, -1)

    @property
    def pre_hook_fx(self) -> Any:
        """What weights go through before they are used."""
        return self.weights.hook

    @pre_hook_fx.setter
    def pre_hook_fx(self, hook: Any) -> None:
        self.weights.hook = hook
        assert self.body is not None
        self.body.rewire(self.build(self.in_shape, None))

    @property
    def weight(self) -> Tensor:
        """The weight that is learned."""
        weight: Any = self.part("synapse").weight
        return weight  # type: ignore[no-any-return]

    @property
    def grad_norm(self) -> float:
        """The norm of the weight's gradient over the number of weights; 0 without a gradient."""
        return grad_norm(self.part("synapse"))


class Dense(Synapse):
    """All to all; see `Synapse`.

    Parameters
    ----------
    in_neurons : int, or the shape of what arrives
    out_neurons : int
    weight_scale, weight_norm, pre_hook_fx
        See `Synapse`.
    """

    def __init__(
        self,
        in_neurons: Any,
        out_neurons: int,
        weight_scale: float = 1,
        weight_norm: bool = False,
        pre_hook_fx: Any = None,
    ) -> None:
        weights = Weights(weight_scale, weight_norm, pre_hook_fx)
        super().__init__(DensePlan(in_neurons, out_neurons, weights), weights)


class Conv(Synapse):
    """Convolution; see `Synapse`.

    Parameters
    ----------
    in_features, out_features : int
    kernel_size, stride, padding, dilation : int or (height, width)
    groups : int
    weight_scale, weight_norm, pre_hook_fx
        See `Synapse`.
    """

    process: ClassVar[Any] = Conv2d

    def __init__(
        self,
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
    ) -> None:
        weights = Weights(weight_scale, weight_norm, pre_hook_fx)
        plan = ConvPlan(
            self.process,
            in_features,
            out_features,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            weights,
        )
        super().__init__(plan, weights)


class ConvTranspose(Conv):
    """Transposed convolution; see `Conv`."""

    process = ConvTranspose2d


class Pool(Synapse):
    """The sum of each window times a fixed weight; see `Synapse`.

    Parameters
    ----------
    kernel_size, stride, padding : int or (height, width), stride default kernel_size
    weight_scale : the weight
    dilation, weight_norm
        Not to be had: the weight is fixed.
    pre_hook_fx
        See `Synapse`.
    """

    process: ClassVar[Any] = SumPool2d

    def __init__(
        self,
        kernel_size: Size,
        stride: Size = None,
        padding: Size = 0,
        dilation: Size = 1,
        weight_scale: float = 1,
        weight_norm: bool = False,
        pre_hook_fx: Any = None,
    ) -> None:
        weights = Weights(weight_scale, weight_norm, pre_hook_fx)
        plan = PoolPlan(self.process, kernel_size, stride, padding, dilation, weights)
        super().__init__(plan, weights)


class Unpool(Pool):
    """Each value, times a fixed weight, to its whole window; see `Pool`."""

    process = Unpool2d
