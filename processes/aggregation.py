"""Temporal aggregation: from values in every step to one value per run.

Each is a process with its own place in the graph, so that "mean, then head" and "head, then mean"
are different networks. In every step it sends the aggregate so far; what follows counts after the
last step only, and the time axis is gone from the network's output.
"""

from __future__ import annotations

from collections.abc import Mapping

from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process, State
from bidl_sim.typing import Value


class Aggregation(Process, abstract=True):
    """Base: the shape stays, the time axis ends here."""

    s_in = In()
    a_out = Out()

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        given = inputs.get("s_in")
        return {"a_out": Signal(given.shape, given.dtype, timed=False)} if given else None


class TimeSum(Aggregation):
    """The sum of all values since the beginning of the run.

    ``total = total + s_in``, ``a_out = total``. State ``total`` begins at 0.
    """

    total = State(0.0)

    def step(self, s_in: Value, total: Value) -> tuple[Value, Value]:
        total = total + s_in
        return total, total


class TimeMean(Aggregation):
    """The mean of all values since the beginning of the run.

    ``total = total + s_in``, ``a_out = total / (t + 1)`` with t = 0 in the first step. State
    ``total`` begins at 0.
    """

    total = State(0.0)

    def step(self, s_in: Value, total: Value, t: Value) -> tuple[Value, Value]:
        total = total + s_in
        return total / (t + 1), total


class LastStep(Aggregation):
    """The value of the last step: ``a_out = s_in``."""

    def step(self, s_in: Value) -> Value:
        return s_in
