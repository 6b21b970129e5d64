"""Populations: the traced step, value by value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bidl_sim.core.process import Process
from bidl_sim.core.trace.expression import Expression, in_order, operands
from bidl_sim.core.trace.step import Trace, trace
from bidl_sim.errors import TraceError
from bidl_sim.netx.step.builder import KINDS, Builder
from bidl_sim.netx.step.graph import Tensor
from bidl_sim.processes import LIAF, LIF
from bidl_sim.typing import Array


def population(
    builder: Builder, process: Process, arriving: Mapping[str, Tensor | None]
) -> dict[str, Tensor]:
    """Note the step of a process that computes value by value; what its OutPorts send."""
    silent = [n for n, x in arriving.items() if x is None]
    try:
        step = trace(process, training=False, given=("t",), silent=silent)
    except TraceError as error:
        reason = error.problem.removeprefix("cannot be traced: ")
        raise builder.refuse(
            f"its step has no plain operations: {reason}",
            "write it with the functions of bidl_sim.core.intrinsics, or run it in the simulator",
        ) from None
    found = Arithmetic(builder, process, step, arriving)
    if type(process) in (LIF, LIAF):
        built_in(found, process, step)
    outputs = {n: found(e) for n, e in step.outputs.items()}
    shapes = {n: builder.circuit.signals[f"{builder.path}.{n}"].shape for n in outputs}
    saved = {n: found(e) for n, e in step.new_states.items()}
    for n, x in saved.items():
        builder.save(f"{builder.path}.{n}", x)
    return {n: builder.filled(x, shapes[n]) for n, x in outputs.items()}


class Arithmetic:
    """From expressions to operations, each done once."""

    def __init__(
        self,
        builder: Builder,
        process: Process,
        step: Trace,
        arriving: Mapping[str, Tensor | None],
    ) -> None:
        self.builder = builder
        self.known: dict[int, Tensor] = {}
        self._done: dict[tuple[object, ...], Tensor] = {}
        signal = builder.circuit.main_signal(builder.path)
        self._axes = len(signal.shape)
        for n, e in step.inputs.items():
            x = arriving[n]
            assert x is not None  # silent ports are no inputs of the trace
            self.known[e.number] = x
        for n, e in step.states.items():
            self.known[e.number] = builder.own_state(n)
        values = process.parameters()
        for n, e in step.parameters.items():
            value = np.asarray(values[n], np.float64)
            view = () if value.size == 1 else process.parameter_view(n, value.shape, signal)
            self.known[e.number] = builder.constant(n, value.reshape(view))

    def __call__(self, expression: Expression) -> Tensor:
        """The value of an expression."""
        waiting = [expression]
        while waiting:
            node = waiting[-1]
            known = node.number in self.known
            missing = [] if known else [x for x in operands(node) if x.number not in self.known]
            if not missing:
                waiting.pop()
            if not missing and not known:
                self.known[node.number] = self._value(node)
            waiting.extend(missing)
        return self.known[expression.number]

    def _value(self, node: Expression) -> Tensor:
        if node.op == "const":
            return self.builder.number(node.value)
        if node.op == "input":  # the index of the step; others are known
            return self.builder.clock(self._axes)
        values = [self.known[x.number] for x in operands(node)]
        if node.op in ("detach", "straight_through"):
            return values[0]
        if node.op == "fire":
            zero = self.builder.as_kind(self.builder.number(0), values[0].kind)
            above = self._once(">", "bool", values[0], zero)
            return self._as_kind(above, node.kind)
        if node.op in ("float", "integer"):
            return self._as_kind(values[0], node.kind)
        if node.op in ("<<", ">>"):
            return self._shifted(node, *values)
        if node.op in ("<", "<=", ">", ">=", "==", "!="):
            values = self._alike(values, max(KINDS.index(x.kind) for x in values) or 1)
        elif node.op == "where":
            values[1:] = self._alike(values[1:], KINDS.index(node.kind))
        elif node.op != "not":
            values = self._alike(values, KINDS.index(node.kind))
        return self._once(node.op, node.kind, *values)

    def _alike(self, values: list[Tensor], kind: int) -> list[Tensor]:
        return [self._as_kind(x, KINDS[kind]) for x in values]

    def _as_kind(self, x: Tensor, kind: str) -> Tensor:
        constant = x.value is not None and not x.shape
        if x.kind == kind or constant:
            return self.builder.as_kind(x, kind)
        return self._once(kind, kind, x)

    def _once(self, op: str, kind: str, *values: Tensor) -> Tensor:
        key = (op, kind, *values)
        if key not in self._done:
            self._done[key] = self.builder.elementwise(op, *values, kind=kind)
        return self._done[key]

    def _shifted(self, node: Expression, x: Tensor, by: Tensor) -> Tensor:
        """A shift by a plain number of bits is a product or a quotient, cut downwards."""
        if by.value is None or by.shape or not 0 <= int(by.value) < 63:
            raise self.builder.refuse("shifts by a number of bits that is no constant in [0, 62]")
        factor = self.builder.number(2 ** int(by.value))
        return self._once({"<<": "*", ">>": "//"}[node.op], "int", x, factor)


def built_in(found: Arithmetic, process: Any, step: Trace) -> None:
    """Take the two built-in operations for a LIF neuron they can say: one number for each
    parameter, hard reset.
    """
    names = ("v_th", "v_reset", "alpha", "beta")
    values: list[Array] = [process.parameters()[n] for n in names]
    if process.reset != "hard" or any(value.size != 1 for value in values):
        return
    after = step.new_states["v"]
    s = next(e for e in in_order([after], values_only=True) if e.op == "fire")
    u, threshold = s.args[0].args
    x, theta = found(u), found(threshold)
    others = [found(step.parameters[n]) for n in names[1:]]
    emit = found.builder.elementwise
    found.known[s.number] = emit("cmp_and_fire", x, theta)
    found.known[after.number] = emit("reset_with_decay", x, theta, *others)
