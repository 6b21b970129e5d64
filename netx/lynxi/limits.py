"""What the chip and its compiler are documented to take; a network beyond that is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.neuron import Neuron
from bidl_sim.errors import FormatError, ParameterError
from bidl_sim.netx.emulator.compiled import BATCHES
from bidl_sim.netx.step.graph import Node, StepGraph, Tensor
from bidl_sim.typing import Array, Shape

LONGEST = 4095
"""No axis of an input or output is longer."""
MOST_INPUT = 6 * 2**20
"""All inputs of a step together are fewer bytes."""
MOST_PLANE = 256 * 2**10
"""The last two axes of an input or output are at most so many bytes."""
NUMBER = 2
"""Bytes of a float16."""
RECOMMENDED = 10_000
"""Neurons, by the documentation of the vendor's simulation toolkit."""
DENSE = 250_000
"""Neurons of one chip in its dense mode."""
MOST_NEURONS = 2_000_000
"""Neurons of one chip at best."""
COUNTED = 2048
"""A float16 counts to here in ones."""

OPERATORS = (
    *("load", "save", "cmp_and_fire", "reset_with_decay", "linear", "conv", "avg_pool"),
    *("max_pool", "+", "-", "*", "/", "min", "max", "neg", "exp", "tanh", "sqrt", "where"),
    *("<", "<=", ">", ">=", "==", "!=", "&", "|", "^", "not", "float", "int", "bool"),
    *("sum", "mean", "reshape", "expand", "concat", "slice"),
)
"""Operations we write. The compiler's own list is not public: these are the arithmetic, comparisons
and layers that networks are commonly made of, and none was tried."""


def check_limits(circuit: Circuit, graph: StepGraph, batch: int, steps: int | None) -> list[str]:
    """Refuse what is beyond the limits, by process; returns warnings."""
    if batch not in BATCHES:
        raise ParameterError(
            "netx.export, batch", f"must be one of {', '.join(map(str, BATCHES))}, got {batch}"
        )
    if steps is not None and steps < 1:
        raise ParameterError("netx.export, steps", f"must be at least 1, got {steps}")
    if not graph.inputs:
        raise FormatError("network", "has no inputs, and the chip runs on what it is sent")
    for process in circuit.processes.values():
        if process.needs_double:
            raise FormatError(
                process.where,
                "computes with integers that a 16-bit float cannot hold",
                "use its arithmetic='float', or export another network",
            )
    for node in graph.nodes:
        _check_operation(circuit, node)
    for name, x in graph.inputs.items():
        _check_frame("input", name, x)
    for name, x in graph.outputs.items():
        _check_frame("output", name, x)
    _check_merged(graph)
    for x in graph.constants():
        assert x.value is not None
        _check_numbers(x.name, x.value)
    for state in graph.states:
        _check_numbers(state.flag, state.initial)
        if state.kind == "int" and steps is not None and steps > COUNTED:
            raise FormatError(
                state.flag,
                f"counts {steps} steps in a float16, which counts to {COUNTED}",
                "use shorter samples",
            )
    return list(_warnings(circuit))


def _check_operation(circuit: Circuit, node: Node) -> None:
    whole = node.op in ("&", "|", "^") and node.inputs[0].kind == "int"
    if node.op not in OPERATORS or whole:
        what = "bits of whole numbers" if whole else f"the operation {node.op!r}"
        process = circuit.processes[node.process]
        another = "arithmetic='float'" if hasattr(process, "arithmetic") else "a process without it"
        raise FormatError(
            process.where,
            f"'{node.process}' needs {what}, which is not among those we write for the chip",
            f"use {another}; `bidl export --target graph` shows where it is",
        )


def _axes(shape: Shape) -> Shape:
    """D2, D1, D0."""
    return (*[1] * (3 - len(shape)), *shape)


def _check_frame(what: str, name: str, x: Tensor) -> None:
    where = f"{what} {name!r}"
    if len(x.shape) > 3:
        raise FormatError(where, f"has shape {x.shape}; the chip takes three axes", "use Reshape")
    _check_axes(where, _axes(x.shape), x.shape)


def _check_axes(where: str, axes: Shape, shape: Shape) -> None:
    if max(axes) > LONGEST:
        raise FormatError(
            where,
            f"has shape {shape}; no axis may be longer than {LONGEST}",
            "send it as an image with Reshape behind it, or shrink it",
        )
    if (plane := axes[1] * axes[2] * NUMBER) > MOST_PLANE:
        raise FormatError(
            where,
            f"has shape {shape}: its last two axes are {plane} bytes, of at most {MOST_PLANE}",
        )


def _check_merged(graph: StepGraph) -> None:
    """The compiler makes one input of several."""
    shapes = [_axes(x.shape) for x in graph.inputs.values()]
    names = ", ".join(graph.inputs)
    if (size := sum(math.prod(s) for s in shapes) * NUMBER) >= MOST_INPUT:
        raise FormatError(
            f"input {names}", f"is {size} bytes in each step, of less than {MOST_INPUT}"
        )
    if len(shapes) > 1:
        merged = _merged(shapes)
        _check_axes(f"inputs {names}, merged by the compiler", merged, merged)


def _merged(shapes: list[Shape]) -> Shape:
    if len({s[1:] for s in shapes}) == 1:
        return (sum(s[0] for s in shapes), *shapes[0][1:])
    if len({s[2] for s in shapes}) == 1 and all(s[0] == 1 for s in shapes):
        return (1, sum(s[1] for s in shapes), shapes[0][2])
    return (1, 1, sum(math.prod(s) for s in shapes))


def _check_numbers(name: str, values: Array) -> None:
    largest = float(np.abs(values[np.isfinite(values)]).max(initial=0))
    if largest > (most := float(np.finfo(np.float16).max)):
        raise FormatError(
            name,
            f"holds {largest:g}; the chip's 16-bit floats end at {most:g}",
            "scale the network's units",
        )


def _warnings(circuit: Circuit) -> Iterator[str]:
    sizes = {
        path: math.prod(circuit.signals[f"{path}.{next(iter(p.out_specs))}"].shape)
        for path, p in circuit.processes.items()
        if isinstance(p, Neuron) and p.out_specs
    }
    total = sum(sizes.values())
    if not total:
        return
    largest = max(sizes, key=lambda path: sizes[path])
    said = f"{total:,} neurons, {sizes[largest]:,} of them in {largest!r}"
    if total > MOST_NEURONS:
        raise FormatError(
            circuit.processes[largest].where,
            f"is the largest of {said}; a chip has at most {MOST_NEURONS:,}",
            "make the network smaller, or export it in pieces",
        )
    if total > RECOMMENDED:
        yield f"{said}: the vendor recommends at most {RECOMMENDED:,} in all"
    if total > DENSE:
        yield f"{said}: a chip has {DENSE:,} in its dense mode"
