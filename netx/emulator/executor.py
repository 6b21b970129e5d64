"""One timestep in numpy, operation by operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from bidl_sim.netx.emulator.numbers import Numbers
from bidl_sim.netx.emulator.operations import compute
from bidl_sim.netx.step.graph import Node, StepGraph, Tensor
from bidl_sim.typing import Array

Values: TypeAlias = dict[Tensor, Array]
"""What tensors hold in one step, each ``(batch, *shape)``."""


class Executor:
    """A step graph, ready to compute with the numbers of a chip. It holds no state."""

    def __init__(self, graph: StepGraph, numbers: Numbers) -> None:
        self.graph, self.numbers = graph, numbers
        self._saved = graph.saved()
        self._constants = {x: numbers.constant(x) for x in graph.constants()}
        weighted = [n for n in graph.nodes if n.op in ("linear", "conv", "conv_transpose")]
        self._weights = {n.inputs[1]: self._in_sums(n.inputs[1]) for n in weighted}

    def initial(self, batch: int) -> dict[str, Array]:
        """The declared states, by flag."""
        begin = {s.flag: self.numbers.rounded(s.flag, s.initial, s.kind) for s in self.graph.states}
        return {
            s.flag: np.broadcast_to(begin[s.flag], (batch, *s.shape)).copy()
            for s in self.graph.states
        }

    def step(
        self, frames: Mapping[str, Array], states: Mapping[str, Array]
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Outputs by name and the new states by flag."""
        values = self.values(frames, states)
        batch = next((len(x) for x in (*states.values(), *frames.values())), 1)
        outputs, states = (
            {n: np.broadcast_to(self._operand(x, values), (batch, *x.shape)) for n, x in of.items()}
            for of in (self.graph.outputs, self._saved)
        )
        return outputs, states

    def values(self, frames: Mapping[str, Array], states: Mapping[str, Array]) -> Values:
        """What every tensor holds."""
        values = {x: self._taken(frames[n], x) for n, x in self.graph.inputs.items()}
        for node in self.graph.nodes:
            if node.op == "load":
                assert node.output is not None
                values[node.output] = states[node.attributes["flag"]]
            elif node.output is not None:
                values[node.output] = self.compute(node, values)
        return values

    def compute(self, node: Node, values: Values) -> Array:
        """The result of one operation."""
        operands = [self._operand(x, values) for x in node.inputs]
        if node.op in ("linear", "conv", "conv_transpose"):
            operands[1] = self._weights[node.inputs[1]]
        return compute(self.numbers, node, operands)

    def _taken(self, frame: Array, x: Tensor) -> Array:
        """An input in the device's format."""
        with np.errstate(over="ignore"):
            return frame.astype(self.numbers.of(x.kind))

    def _operand(self, x: Tensor, values: Values) -> Array:
        return values[x] if x.value is None else self._constants[x]

    def _in_sums(self, x: Tensor) -> Array:
        """A weight, rounded, in the format of sums."""
        return self._constants[x].astype(self.numbers.wide)
