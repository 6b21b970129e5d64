"""Random spikes."""

from __future__ import annotations

from collections.abc import Mapping

from bidl_sim.core.fields import Dims
from bidl_sim.core.param import UNIT, Param
from bidl_sim.core.port import Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import ShapeError
from bidl_sim.typing import Shape, Value


class Poisson(Process):
    """Independent spikes: in every step each neuron fires with probability ``rate``.

    ``s_out = 1 if uniform < rate else 0``, with new uniform numbers in [0, 1) in every step, from
    a stream fixed by the simulator's seed, the path of the process and the step.

    Parameters
    ----------
    shape : int or tuple of int
    rate : in [0, 1]
        Spikes per neuron and step (rate in Hz times dt in s): a number, or one per neuron. Samples
        of a batch are independent.

    Ports
    -----
    s_out : (*shape)
    """

    shape: Dims = Dims()
    rate: Param = Param(0.1, within=UNIT, learnable=False)

    s_out = Out()

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        return {"s_out": Signal(self.shape)}

    def check_parameters(self, signal: Signal | None) -> None:
        shape: Shape = self.rate.shape
        if shape not in ((), self.shape):
            raise ShapeError(
                f"{self.where}, rate", f"must be a number or of shape {self.shape}, got {shape}"
            )

    def step(self, uniform: Value, rate: Value) -> Value:
        return (uniform < rate) * (uniform * 0 + 1)
