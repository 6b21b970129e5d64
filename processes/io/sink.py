"""Where values leave the network."""

from __future__ import annotations

from collections.abc import Mapping

from bidl_sim.core.port import In, Signal
from bidl_sim.core.process import Process
from bidl_sim.typing import Value


class Sink(Process):
    """A named output: what arrives here is returned by a run under the name of the sink.

    A network with sinks returns those; without any, it returns what leaves its unconnected
    OutPorts.

    Ports
    -----
    a_in : any shape
    """

    a_in = In()
    is_sink = True

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        return {} if inputs else None

    def step(self, a_in: Value) -> None:
        """Nothing is computed."""
