"""Several channels as one."""

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
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from torch import Tensor


class GroupMean(Process):
    """The mean of each group of consecutive channels: a vote of several neurons for each class.

    Parameters
    ----------
    groups : int
        The first channels / groups channels are the first group.

    Ports
    -----
    s_in : (channel, ...)
    a_out : (groups, ...)
    """

    groups: Int = Int()

    s_in = In()
    a_out = Out()

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        given = inputs.get("s_in")
        if given is None:
            return None
        if given.shape[0] % self.groups:
            raise ShapeError(
                f"{self.where}, s_in",
                f"{given.shape[0]} channels cannot be divided into {self.groups} equal groups",
            )
        return {"a_out": Signal((self.groups, *given.shape[1:]), timed=given.timed)}

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        channels, each = signal.shape[0], math.prod(signal.shape[1:])
        group = np.arange(channels) * self.groups // channels
        targets = np.add.outer(group * each, np.arange(each)).ravel().astype(np.int32)
        weight = np.array([self.groups / channels])
        return Rows(np.arange(channels * each + 1), targets, weight, np.zeros((), np.int64))

    def step(self, s_in: Tensor) -> Tensor:
        return s_in.reshape(len(s_in), self.groups, -1, *s_in.shape[2:]).mean(2)
