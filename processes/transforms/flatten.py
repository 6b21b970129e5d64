"""Fewer axes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Int
from bidl_sim.core.forms import Rows
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import ShapeError
from bidl_sim.processes.synapses.rows import one_to_one
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from torch import Tensor


class Flatten(Process):
    """Put axes into one, the last axis fastest, as torch does: all of them unless told otherwise.

    Parameters
    ----------
    start_dim, end_dim : int, default 0, -1
        The first and the last axis of those that become one, batch and time not counted; negative
        ones count from the end.

    Ports
    -----
    s_in : any shape
    a_out : (number of values,)
    """

    start_dim: Int = Int(0, low=-32)
    end_dim: Int = Int(-1, low=-32)

    s_in = In()
    a_out = Out()

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        given = inputs.get("s_in")
        if given is None:
            return None
        return {"a_out": Signal(self.flat(given.shape), given.dtype, given.timed)}

    def flat(self, shape: Shape) -> Shape:
        """A shape with these axes as one."""
        axes = len(shape)
        first, last = (d + axes if d < 0 else d for d in (self.start_dim, self.end_dim))
        if not 0 <= first <= last < axes:
            raise ShapeError(
                f"{self.where}, s_in",
                f"{shape} has no axes {self.start_dim} to {self.end_dim} that become one",
            )
        return *shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        return one_to_one(math.prod(signal.shape), np.ones(1))

    def step(self, s_in: Tensor) -> Tensor:
        return s_in.reshape(len(s_in), *self.flat(tuple(s_in.shape[1:])))
