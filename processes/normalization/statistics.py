"""What normalisations over a batch share."""

from __future__ import annotations

from collections.abc import Mapping

from bidl_sim.core.fields import Choice
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.typing import Shape


class BatchStatistics(Process, abstract=True):
    """Base: one value per channel of each parameter, and in training statistics of a batch.

    Parameters
    ----------
    statistics : "sequence" or "step"
        What they are taken over in training: batch and time (and space) together, or the batch of
        one timestep, which a loop needs. Outside training the running statistics are used, which
        move towards the batch's by ``momentum``.

    Ports
    -----
    s_in, a_out : (channel,) or (channel, height, width)
    """

    statistics: Choice = Choice(("sequence", "step"), "sequence")

    s_in = In()
    a_out = Out()

    def parameter_shapes(self, signal: Signal | None) -> Mapping[str, Shape]:
        return dict.fromkeys(self.param_specs, signal.shape[:1]) if signal else {}

    def folds_time(self, training: bool) -> bool:
        return not (training and self.statistics == "step")

    @property
    def needs_whole_sequence(self) -> bool:
        return self.statistics == "sequence"
