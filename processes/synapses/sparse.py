"""Sparse connections, stored by source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bidl_sim.core.forms import Rows
from bidl_sim.core.param import NON_NEGATIVE, Param
from bidl_sim.core.port import Signal
from bidl_sim.core.process import State
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.processes.synapses import wiring
from bidl_sim.processes.synapses.rounded import RoundedSynapse
from bidl_sim.processes.synapses.synapse import FlatSynapse
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from torch import Tensor


class Sparse(RoundedSynapse, FlatSynapse):
    """Synapses one by one: a value of source i arrives, weighted, at each of i's targets.

    ``a_out[j](t) = sum of weight[k] s_in[i](t - delay[k])`` over the synapses k from i to j.

    The synapses are stored by source (compressed rows): those of source i are ``offsets[i]`` to
    ``offsets[i + 1] - 1``. Build them with `fixed_probability`, `fixed_in_degree`,
    `fixed_out_degree`, `all_to_all`, `one_to_one`, `by_distance`, `from_pairs` or `from_scipy`.

    Parameters
    ----------
    in_features, out_features : int
    offsets : (in_features + 1,)
    targets : (synapses,), each in 0 .. out_features - 1
    weight : one number, or (synapses,)
    delay : steps, one number or (synapses,), default 0
        On top of the delays of the connections.
    quantize
        See `RoundedSynapse`; all weights have one scale.

    Ports
    -----
    s_in : (in_features,)
    a_out : (out_features,)

    State
    -----
    pending : what arrives in the next steps; exists where there are delays
    """

    offsets: Param = Param(None, learnable=False, whole=True)
    targets: Param = Param(None, learnable=False, whole=True, may_be_empty=True)
    weight: Param = Param(1.0, learned=True, may_be_empty=True)
    delay: Param = Param(0, within=NON_NEGATIVE, learnable=False, whole=True, may_be_empty=True)

    pending = State(0.0)
    follows_events = True

    all_to_all = classmethod(wiring.all_to_all)
    one_to_one = classmethod(wiring.one_to_one)
    fixed_probability = classmethod(wiring.fixed_probability)
    fixed_in_degree = classmethod(wiring.fixed_in_degree)
    fixed_out_degree = classmethod(wiring.fixed_out_degree)
    by_distance = classmethod(wiring.by_distance)
    from_pairs = classmethod(wiring.from_pairs)
    from_scipy = classmethod(wiring.from_scipy)

    def __post_init__(self) -> None:
        given = self.parameters()
        for name in ("offsets", "targets"):
            if name not in given or given[name].ndim != 1:
                raise ShapeError(f"{self.where}, {name}", "must be an array with one axis")
        offsets, targets = given["offsets"], given["targets"]
        if offsets.shape != (self.in_features + 1,):
            raise ShapeError(
                f"{self.where}, offsets",
                f"must have shape ({self.in_features + 1},), got {offsets.shape}",
            )
        if offsets[0] or np.any(np.diff(offsets) < 0) or offsets[-1] != targets.size:
            raise ParameterError(
                f"{self.where}, offsets and targets",
                f"offsets must rise from 0 to the number of targets, {targets.size}",
            )
        if targets.size and not 0 <= int(targets.min()) <= int(targets.max()) < self.out_features:
            bad = targets.min() if targets.min() < 0 else targets.max()
            raise ParameterError(
                f"{self.where}, targets", f"must be in 0 .. {self.out_features - 1}, got {bad}"
            )
        for name in ("weight", "delay"):
            if given[name].shape not in ((), targets.shape):
                raise ShapeError(
                    f"{self.where}, {name}",
                    f"must be one number or of shape {targets.shape}, got {given[name].shape}",
                )
        super().__post_init__()

    @property
    def longest_delay(self) -> int:
        """The largest delay of a synapse, in steps."""
        return int(self.delay.max(initial=0))

    @property
    def inputs_per_output(self) -> int:
        return max(1, self.targets.size // max(1, self.out_features))

    def states(self, training: bool) -> tuple[str, ...]:
        return ("pending",) if self.longest_delay else ()

    def state_shape(self, name: str, shape: Shape) -> Shape:
        return (self.longest_delay, *shape)

    def fan_out(self, signal: Signal) -> Array:
        return np.diff(self.offsets)

    def used_fan_out(self, signal: Signal) -> Array:
        used = np.broadcast_to(self.weight != 0, self.targets.shape)
        return np.diff(np.concatenate([[0], np.cumsum(used)])[self.offsets])

    def weights(self) -> tuple[int, int]:
        used = int(np.count_nonzero(np.broadcast_to(self.weight, self.targets.shape)))
        return used, max(used, self.in_features * self.out_features)

    def ends(self) -> tuple[Array, Array]:
        sources = np.arange(self.in_features).repeat(np.diff(self.offsets))
        return sources, self.targets.astype(np.int64)

    def check_plastic(self) -> None:
        super().check_plastic()
        if self.weight.shape != self.targets.shape:
            raise ShapeError(
                f"{self.where}, weight",
                f"is one number for {self.targets.size} synapses, each of which is to learn",
                "give an array or a distribution, such as Constant(0.5)",
            )

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        return Rows(self.offsets, self.targets, self.effective_weight(parameters), self.delay)

    def bind_spread(self, parameters: Mapping[str, Tensor], training: bool) -> Any:
        """The function that spreads inputs ``(batch, in)`` over ``(batch, delay, out)``."""
        from bidl_sim.processes.synapses.spread import Spread

        return Spread(self, parameters["offsets"])

    def step(
        self, s_in: Tensor, weight: Tensor, pending: Tensor | None, spread: Any
    ) -> tuple[Tensor, Tensor | None]:
        arriving = spread(s_in, weight)  # (batch, longest delay + 1, out)
        if pending is None:
            return arriving[:, 0], None
        arriving = arriving + spread.padded(pending)
        return arriving[:, 0], arriving[:, 1:]
