"""What travels between processes during a run: sequences by port, delays, sums."""

from __future__ import annotations

from collections import defaultdict
from functools import reduce
from operator import add

import torch
from torch import Tensor

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.flatten import Edge
from bidl_sim.engines.torch.unit import Mode

State = dict[str, Tensor]
"""States by path (``lif1.v``); ``lif1.s_out.history`` for an OutPort that is read with delay."""


class Wiring:
    """The edges of a circuit, looked up once: who feeds an InPort, how far back a port is read."""

    def __init__(self, circuit: Circuit) -> None:
        self.into: dict[str, list[Edge]] = defaultdict(list)
        self.readers: dict[str, set[str]] = defaultdict(set)
        self.longest_delay: dict[str, int] = {}
        for edge in circuit.edges:
            source = f"{edge.source}.{edge.source_port}"
            self.into[f"{edge.target}.{edge.target_port}"].append(edge)
            self.readers[source].add(edge.target)
            if edge.delay:
                longest = self.longest_delay.get(source, 0)
                self.longest_delay[source] = max(longest, edge.delay)


class Signals:
    """Sequences of shape ``(time, batch, ...)`` by port path, complete once their source ran.

    A port whose intermediate values nobody needs holds a sequence of length one, the last value.
    ``before`` holds the histories at the beginning of the run, ``after`` those at its end.
    """

    def __init__(
        self, circuit: Circuit, wiring: Wiring, mode: Mode, before: State, steps: int
    ) -> None:
        self.circuit, self.wiring, self.mode = circuit, wiring, mode
        self.before = before
        self.steps = steps
        self.sent: dict[str, Tensor] = {}
        self.after: State = {}

    def send(self, port: str, sequence: Tensor) -> None:
        """Take what a port sent in every step."""
        self.sent[port] = sequence
        delay = self.wiring.longest_delay.get(port, 0)
        if delay:
            self.after[f"{port}.history"] = torch.cat([self.history(port), sequence])[-delay:]

    def history(self, port: str) -> Tensor:
        """The last values sent before this run, as many as the longest delay, oldest first."""
        return self.before[f"{port}.history"]

    def delayed(self, edge: Edge) -> Tensor:
        """What arrives through one edge in every step."""
        port = f"{edge.source}.{edge.source_port}"
        if not edge.delay:
            return self.sent[port]
        return torch.cat([self.history(port)[-edge.delay :], self.sent[port]])[: self.steps]

    def arriving(self, port: str) -> Tensor:
        """What an InPort receives in every step: the sum over its edges."""
        edges = self.wiring.into[port]
        if not edges:
            return torch.stack([self.zeros(port)] * self.steps)
        return total([self.delayed(edge) for edge in edges])

    def zeros(self, port: str) -> Tensor:
        """What an InPort reads in one step that nothing is connected to."""
        shape = (self.mode.batch, *self.circuit.signals[port].shape)
        return torch.zeros(shape, device=self.mode.device, dtype=self.mode.dtype)


def total(values: list[Tensor]) -> Tensor:
    """The sum, in the order of the edges, so that every schedule rounds alike."""
    return reduce(add, values)
