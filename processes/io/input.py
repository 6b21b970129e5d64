"""Where a network takes values from outside."""

from __future__ import annotations

from collections.abc import Mapping

from bidl_sim.core.fields import Choice, Dims
from bidl_sim.core.port import Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.typing import Value


class Input(Process):
    """A door for values from outside: what a run is given leaves at ``s_out``, step by step.

    Parameters
    ----------
    shape : int or tuple of int
        Shape of one value, without batch and time: ``(channel, height, width)`` or ``(n,)``.
    dtype : "float" or "int"

    Ports
    -----
    s_out : (*shape)
    """

    shape: Dims = Dims()
    dtype: Choice = Choice(("float", "int"), "float")

    s_out = Out()
    external = True

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        return {"s_out": Signal(self.shape, self.dtype)}

    def step(self) -> Value:
        raise NotImplementedError("an engine puts the given values in place of this step")
