"""Putting a step graph together, operation by operation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bidl_sim.core.circuit import Circuit, state_shape
from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError
from bidl_sim.netx.step.graph import Node, SavedState, StepGraph, Tensor
from bidl_sim.typing import Array, Shape

KINDS = ("bool", "int", "float")


class Builder:
    """The graph so far. Operations are noted for the process that ``begin`` named last."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.path = ""
        self.inputs: dict[str, Tensor] = {}
        self.outputs: dict[str, Tensor] = {}
        self.states: dict[str, SavedState] = {}
        self.loaded: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self._constants: dict[str, Tensor] = {}
        self._unnamed: set[Tensor] = set()
        self._count = 0

    def begin(self, path: str) -> Process:
        """What follows is done for this process."""
        self.path, self._count = path, 0
        return self.circuit.processes[path]

    def refuse(self, problem: str, help: str = "run it in the simulator") -> FormatError:
        """The error that names the process which cannot be said, and the way out."""
        return FormatError(self.circuit.processes[self.path].where, problem, help)

    def finish(self, timed: Mapping[str, bool], accumulators: tuple[str, ...]) -> StepGraph:
        """The graph, checked."""
        states, nodes = tuple(self.states.values()), tuple(self.nodes)
        return StepGraph(self.inputs, self.outputs, states, nodes, timed, accumulators)

    # -- operations ------------------------------------------------------------------------------

    def emit(self, op: str, *inputs: Tensor, shape: Shape, kind: str = "float", **said: Any) -> Any:
        """Note an operation; returns its result."""
        self._count += 1
        output = Tensor(f"{self.path}.{self._count}", shape, kind)
        self._unnamed.add(output)
        self.nodes.append(Node(op, self.path, inputs, output, said))
        return output

    def elementwise(self, op: str, *inputs: Tensor, kind: str | None = None) -> Tensor:
        """Note an operation value by value; of constants it is a tensor too."""
        shape = np.broadcast_shapes(*(x.shape for x in inputs))
        result: Tensor = self.emit(op, *inputs, shape=shape, kind=kind or inputs[0].kind)
        return result

    def constant(self, name: str, value: Array) -> Tensor:
        """An array of this process."""
        name = f"{self.path}.{name}"
        kind = {"f": "float", "i": "int", "b": "bool"}[value.dtype.kind]
        return self._constants.setdefault(name, Tensor(name, value.shape, kind, value))

    def number(self, value: float) -> Tensor:
        """A plain number."""
        name, kind = f"={value!r}", type(value).__name__
        return self._constants.setdefault(name, Tensor(name, (), kind, np.array(value)))

    def as_kind(self, x: Tensor, kind: str) -> Tensor:
        """The same value in another kind."""
        if x.kind == kind:
            return x
        if x.value is not None and not x.shape:
            return self.number({"float": float, "int": int, "bool": bool}[kind](x.value))
        return self.elementwise(kind, x, kind=kind)

    def filled(self, x: Tensor, shape: Shape) -> Tensor:
        """A value for each sample and place, where fewer stand for all of them."""
        if x.value is None and x.shape == shape:
            return x
        like = next(iter((*self.inputs.values(), *self.loaded.values())), None)
        if like is None:
            raise self.refuse("sends the same in every step, and nothing has a batch")
        result: Tensor = self.emit("expand", x, like, shape=shape, kind=x.kind)
        return result

    def reshaped(self, x: Tensor, shape: Shape) -> Tensor:
        """Other axes for the same values."""
        if x.shape == shape:
            return x
        result: Tensor = self.emit("reshape", x, shape=shape, kind=x.kind)
        return result

    def part(self, x: Tensor, start: int, stop: int) -> Tensor:
        """Some of what stands along the first axis."""
        if (start, stop) == (0, x.shape[0]):
            return x
        shape = (stop - start, *x.shape[1:])
        result: Tensor = self.emit(
            "slice", x, shape=shape, kind=x.kind, axis=0, start=start, stop=stop
        )
        return result

    def joined(self, *parts: Tensor, axis: int = 0) -> Tensor:
        """Tensors one after another."""
        parts = tuple(x for x in parts if math.prod(x.shape))
        if len(parts) == 1:
            return parts[0]
        size = sum(x.shape[axis] for x in parts)
        shape = (*parts[0].shape[:axis], size, *parts[0].shape[axis + 1 :])
        result: Tensor = self.emit("concat", *parts, shape=shape, kind=parts[0].kind, axis=axis)
        return result

    # -- states ----------------------------------------------------------------------------------

    def load(self, flag: str, shape: Shape, kind: str, initial: Array) -> Tensor:
        """What a state holds when the step begins."""
        if flag not in self.loaded:
            self.states[flag] = SavedState(flag, shape, kind, initial)
            self.loaded[flag] = Tensor(flag, shape, kind)
            self.nodes.append(Node("load", self.path, (), self.loaded[flag], {"flag": flag}))
        return self.loaded[flag]

    def save(self, flag: str, x: Tensor) -> None:
        """What a state holds when the step ends."""
        x = self.filled(x, self.states[flag].shape)
        self.nodes.append(Node("save", self.path, (x,), None, {"flag": flag}))

    def saved(self) -> dict[str, Tensor]:
        """The new value of each state, by flag."""
        nodes = (node for node in self.nodes if node.op == "save")
        return {node.attributes["flag"]: node.inputs[0] for node in nodes}

    def own_state(self, name: str) -> Tensor:
        """Load a state that the process declares."""
        process = self.circuit.processes[self.path]
        spec = process.state_specs[name]
        given = (process.initial or {}).get(name, spec.reset)
        if isinstance(given, str):
            raise self.refuse(f"its state {name!r} begins with random numbers")
        initial = np.asarray(given, np.int64 if spec.dtype == "int" else np.float64)
        shape = state_shape(self.circuit.signals, process, self.path, name)
        return self.load(f"{self.path}.{name}", shape, spec.dtype, initial)

    def clock(self, axes: int) -> Tensor:
        """The index of the step, a state of the process that asks, with so many axes of size 1."""
        flag = f"{self.path}.t"
        if flag not in self.loaded:
            t = self.load(flag, (1,) * axes, "int", np.array(0))
            self.save(flag, self.elementwise("+", t, self.number(1)))
        return self.loaded[flag]

    # -- ports -----------------------------------------------------------------------------------

    def named(self, x: Tensor, name: str) -> Tensor:
        """Give a result the name of the port it travels on, if it has none yet."""
        if x in self._unnamed:
            self._unnamed.remove(x)
            x.name = name
        return x
