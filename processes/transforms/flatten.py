"""From (channel, height, width) to one axis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.forms import Rows
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.processes.synapses.rows import one_to_one
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from torch import Tensor


class Flatten(Process):
    """Put all values on one axis, the last axis fastest, as torch does.

    Ports
    -----
    s_in : any shape
    a_out : (number of values,)
    """

    s_in = In()
    a_out = Out()

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        given = inputs.get("s_in")
        if given is None:
            return None
        return {"a_out": Signal((math.prod(given.shape),), given.dtype, given.timed)}

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        return one_to_one(math.prod(signal.shape), np.ones(1))

    def step(self, s_in: Tensor) -> Tensor:
        return s_in.flatten(1)
