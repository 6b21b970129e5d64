"""A step graph as a torch module: straight lines of plain torch operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import fx

from bidl_sim.errors import FormatError
from bidl_sim.netx.step.graph import BUILT_IN, ELEMENTWISE, Node, SavedState, StepGraph, Tensor
from bidl_sim.netx.step.in_torch import OPERATIONS, Operation


def step_module(
    graph: StepGraph,
    dtype: torch.dtype = torch.float32,
    instead: Mapping[str, Operation] | None = None,
    whole: torch.dtype = torch.int64,
) -> fx.GraphModule:
    """One timestep as a module: ``(*inputs, *states) -> (*outputs, *new states)``.

    All are tensors ``(batch, *shape)``, in the order of the graph. Arrays are buffers, so that the
    module moves to any device; plain numbers stand in the code, which ``.code`` shows. It can be
    scripted, traced and compiled.

    Parameters
    ----------
    graph
    dtype
        Of everything that is no whole number; constants are rounded to it.
    instead
        Operations said otherwise, by name. With "load", which is given the state's first value for
        one sample, and "save", states are neither inputs nor outputs.
    whole
        Of whole numbers; where that is a float dtype, say "int" ``instead``.

    Raises `FormatError` for a constant that ``dtype`` cannot hold.
    """
    return _Writer(dtype, {**OPERATIONS, **(instead or {})}, whole).module(graph)


def initial_states(
    graph: StepGraph,
    batch: int = 1,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> tuple[torch.Tensor, ...]:
    """The states at the beginning of a run, ``(batch, *shape)`` each, in the order of the graph."""
    made = ((s, rounded(s.flag, s.initial, s.kind, dtype)) for s in graph.states)
    return tuple(x.to(device).expand(batch, *s.shape).clone() for s, x in made)


def rounded(
    name: str, value: Any, kind: str, dtype: torch.dtype, whole: torch.dtype = torch.int64
) -> torch.Tensor:
    """An array in the format of its kind; what that cannot hold is refused."""
    given = torch.from_numpy(np.array(value))
    held = given.to({"float": dtype, "int": whole, "bool": torch.bool}[kind])
    if kind == "float" and held.isinf().any() and not given.isinf().any():
        raise FormatError(name, f"holds numbers that {dtype} cannot, such as {given.max().item()}")
    return held


class _Writer:
    """Does the operations of a graph to stand-ins of tensors, which note what is done."""

    def __init__(
        self, dtype: torch.dtype, operations: Mapping[str, Operation], whole: torch.dtype
    ) -> None:
        self.dtype, self.operations, self.whole = dtype, operations, whole
        self.graph = fx.Graph()
        self.root = torch.nn.Module()
        self._tracer = fx.proxy.GraphAppendingTracer(self.graph)
        self._made: dict[Tensor | None, Any] = {}
        self._arrays: dict[str, Any] = {}

    def module(self, graph: StepGraph) -> fx.GraphModule:
        """The module."""
        for name, x in graph.inputs.items():
            self._made[x] = self._named("placeholder", name)
        inside = "load" in self.operations
        loads = (node for node in graph.nodes if node.op == "load")
        for load, state in zip(loads, graph.states, strict=True):
            self._made[load.output] = (
                self._loaded(load, state) if inside else self._named("placeholder", state.flag)
            )
        for node in graph.nodes:
            if node.op != "load" and (inside or node.op != "save"):
                operands = [self._operand(node, x) for x in node.inputs]
                self._made[node.output] = self.operations[node.op](node, self.dtype, *operands)
        results = [*graph.outputs.values(), *(() if inside else graph.saved().values())]
        self.graph.output(tuple(self._value(x).node for x in results))
        self.graph.lint()
        return fx.GraphModule(self.root, self.graph, "Step")

    def _loaded(self, load: Node, state: SavedState) -> Any:
        initial = self._rounded(state.flag, state.initial, state.kind)
        first = self._array(f"{state.flag}.initial", initial.expand(1, *state.shape))
        return self.operations["load"](load, self.dtype, first)

    def _operand(self, node: Node, x: Tensor) -> Any:
        """A number stands in the code where another operand tells its format."""
        if x.value is not None and not x.shape and node.op in (*ELEMENTWISE, *BUILT_IN):
            others = node.inputs[1:] if node.op == "where" else node.inputs
            if any(y.value is None or y.shape for y in others):
                return self._rounded(x.name, x.value, x.kind).item()
        return self._value(x)

    def _value(self, x: Tensor) -> Any:
        if x.value is None:
            return self._made[x]
        if x.name not in self._arrays:
            self._array(x.name, self._rounded(x.name, x.value, x.kind))
        return self._arrays[x.name]

    def _rounded(self, name: str, value: Any, kind: str) -> torch.Tensor:
        return rounded(name, value, kind, self.dtype, self.whole)

    def _array(self, name: str, value: torch.Tensor) -> Any:
        """A constant, as a buffer."""
        self._arrays[name] = held = self._named("get_attr", name)
        self.root.register_buffer(held.node.name, value.contiguous())
        return held

    def _named(self, what: str, name: str) -> Any:
        """An argument or a buffer, under a name that the code can use."""
        node = self.graph.create_node(what, "self_" if name == "self" else name)
        node.target = node.name
        return fx.Proxy(node, self._tracer)
