"""One number for a whole image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Choice
from bidl_sim.core.forms import Rows
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from torch import Tensor


class GlobalAvgPool(Process):
    """The mean over all places of a channel, or over all values of a frame.

    Parameters
    ----------
    per : "channel" or "frame"

    Ports
    -----
    s_in : any shape, the first axis is the channel
    a_out : ``(channel,)`` or ``(1,)``
    """

    per: Choice = Choice(("channel", "frame"), "channel")

    s_in = In()
    a_out = Out()

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        given = inputs.get("s_in")
        return {"a_out": Signal((self.means(given),), timed=given.timed)} if given else None

    def means(self, signal: Signal) -> int:
        """How many means there are."""
        return signal.shape[0] if self.per == "channel" else 1

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        means, size = self.means(signal), math.prod(signal.shape)
        each = size // means
        targets = np.arange(size, dtype=np.int32) // each
        no_delay = np.zeros((), np.int64)
        return Rows(np.arange(size + 1), targets, np.full((), 1 / each), no_delay)

    def step(self, s_in: Tensor) -> Tensor:
        flat = s_in.flatten(2 if self.per == "channel" and s_in.dim() > 2 else 1)
        if self.per == "frame":
            return flat.mean(1, keepdim=True)
        return flat.mean(2) if flat.dim() > 2 else flat
