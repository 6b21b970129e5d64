"""Plays back an array."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bidl_sim.core.fields import Flag
from bidl_sim.core.param import Param
from bidl_sim.core.port import Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import ShapeError

if TYPE_CHECKING:
    from torch import Tensor


class ArraySource(Process):
    """Sends ``values[t]`` in step t, to all samples of a batch.

    Parameters
    ----------
    values : (time, *shape)
    repeat : bool, default False
        Begin again at the end; otherwise zeros follow.

    Ports
    -----
    s_out : (*shape)
    """

    values: Param = Param(None, learnable=False)
    repeat: Flag = Flag(False)

    s_out = Out()

    def __post_init__(self) -> None:
        values = self.parameters().get("values")
        if values is None or values.ndim < 2 or not values.size:
            raise ShapeError(
                f"{self.where}, values",
                "must be an array (time, *shape) that is not empty, "
                f"got {'none' if values is None else values.shape}",
            )
        super().__post_init__()

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        return {"s_out": Signal(self.values.shape[1:])}

    def step(self, t: int, values: Tensor) -> Tensor:
        if self.repeat:
            return values[t % len(values)]
        return values[t] if t < len(values) else values[0] * 0
