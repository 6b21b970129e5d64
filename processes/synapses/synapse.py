"""What all synapses with weights share."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from bidl_sim.core.fields import Int
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import ShapeError
from bidl_sim.typing import Array, Shape


class Synapse(Process, abstract=True):
    """A linear map; a subclass declares its sizes, its ``weight`` and its ``bias``.

    Weights that are not given are drawn when the network is built, as torch does it: uniform in
    [-b, b] with b = 1 / sqrt(inputs per output).
    """

    s_in = In()
    a_out = Out()

    @property
    def inputs_per_output(self) -> int:
        """How many inputs add up to one output."""
        raise NotImplementedError

    def fan_out(self, signal: Signal) -> Array:
        """How many synapses each input value drives, in the shape of the input."""
        raise NotImplementedError

    def initialise(self, name: str, shape: Shape, rng: np.random.Generator) -> Array:
        bound = 1 / math.sqrt(self.inputs_per_output)
        return rng.uniform(-bound, bound, shape).astype(np.float32)


class FlatSynapse(Synapse, abstract=True):
    """Synapses between two populations with one axis each."""

    in_features: Int = Int()
    out_features: Int = Int()

    def ends(self) -> tuple[Array, Array]:
        """Source and target of every synapse, two arrays that broadcast to the weight's shape."""
        raise NotImplementedError

    def check_plastic(self) -> None:
        """Refuse a weight that a rule cannot change synapse by synapse."""

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        given = inputs.get("s_in", Signal((self.in_features,)))
        if given.shape != (self.in_features,):
            raise ShapeError(
                f"{self.where}, s_in",
                f"takes shape ({self.in_features},), receives {given.shape}",
                "put Flatten() before it" if len(given.shape) > 1 else "",
            )
        return {"a_out": Signal((self.out_features,), timed=given.timed)}
