"""One timestep of a network as plain data: tensors, operations on them, and states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bidl_sim.errors import FormatError
from bidl_sim.typing import Array, Shape

ELEMENTWISE = (
    *("+", "-", "*", "/", "//", "%", "min", "max", "neg"),
    *("<", "<=", ">", ">=", "==", "!=", "&", "|", "^", "not", "where"),
    *("exp", "arctan", "tanh", "erf", "sqrt", "floor", "nearest"),
    *("float", "int", "bool"),
)
"""Operations value by value, on operands that numpy would broadcast; the last are conversions,
"int" cuts towards zero. Division and remainder of whole numbers are Python's."""

BUILT_IN = ("cmp_and_fire", "reset_with_decay")
"""A LIF neuron with one number for each parameter: ``x > theta``, and ``v_0`` where so, else ``x``,
then times ``alpha`` plus ``beta``. Their operands are ``x, theta`` and ``x, theta, v_0, alpha,
beta``."""

WHOLE = (
    *("linear", "conv", "conv_transpose", "avg_pool", "max_pool", "einsum", "sum", "mean"),
    *("reshape", "expand", "concat", "slice", "pad", "gather"),
)
"""Operations on whole tensors, as torch has them; axes are counted without the batch."""


@dataclass(eq=False)
class Tensor:
    """What an operation takes or gives.

    Attributes
    ----------
    name
        ``<process>.<port>`` where it travels on a port.
    shape
        Without the batch axis, which all have but constants.
    kind : "float", "int" or "bool"
    value
        Of a constant.
    """

    name: str
    shape: Shape
    kind: str
    value: Array | None = None

    def __str__(self) -> str:
        return f"{self.value}" if self.value is not None and not self.shape else self.name


@dataclass(frozen=True, eq=False)
class Node:
    """One operation, done for a process: "load", "save", or one of the tables above.

    "load" and "save" have a ``flag``, the state's.
    """

    op: str
    process: str
    inputs: tuple[Tensor, ...]
    output: Tensor | None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        said = [str(x) for x in self.inputs]
        if len(said) == 2 and not self.op[0].isalpha():
            return f"{said[0]} {self.op} {said[1]}"
        said += [f"{n}={v!r}" for n, v in self.attributes.items() if n != "flag"]
        flag = f" {self.attributes['flag']}" if "flag" in self.attributes else ""
        arguments = f"({', '.join(said)})" if said else ""
        return f"{self.op}{flag}{arguments}"


@dataclass(frozen=True, eq=False)
class SavedState:
    """What is carried from step to step: ``flag`` is ``<process>.<state>``.

    ``initial`` is its value at the beginning of a run, of its shape or one number.
    """

    flag: str
    shape: Shape
    kind: str
    initial: Array


@dataclass(frozen=True, eq=False)
class StepGraph:
    """One timestep of a network.

    Attributes
    ----------
    inputs, outputs
        By the names a run of the network has for them.
    states
        In the order in which they are loaded.
    nodes
        In an order they can be executed in.
    timed
        Of the network's outputs: False after a temporal aggregation, where the last step counts.
    accumulators
        The temporal aggregations: processes that make one value of all steps.
    """

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    states: tuple[SavedState, ...]
    nodes: tuple[Node, ...]
    timed: Mapping[str, bool]
    accumulators: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_order(self)
        _check_pairs(self)

    def constants(self) -> Iterator[Tensor]:
        """Constants, each once, in the order of use."""
        used = [x for node in self.nodes for x in node.inputs] + list(self.outputs.values())
        yield from {x.name: x for x in used if x.value is not None}.values()

    def saved(self) -> dict[str, Tensor]:
        """The new value of each state, by flag."""
        nodes = (node for node in self.nodes if node.op == "save")
        found = {node.attributes["flag"]: node.inputs[0] for node in nodes}
        return {state.flag: found[state.flag] for state in self.states}

    @property
    def head(self) -> tuple[str, ...]:
        """Processes behind an accumulator, whose results count after the last step only."""
        late: set[Tensor] = set()
        for node in self.nodes:
            if node.output and (node.process in self.accumulators or late & {*node.inputs}):
                late.add(node.output)
        found = dict.fromkeys(n.process for n in self.nodes if late & {*n.inputs})
        return tuple(path for path in found if path not in self.accumulators)

    def __str__(self) -> str:
        processes = dict.fromkeys(node.process for node in self.nodes)
        heads = [f"one timestep: {len(processes)} processes, {len(self.states)} states"]
        heads += [f"input  {name}: {_typed(x)}" for name, x in self.inputs.items()]
        heads += [f"state  {s.flag}: {_typed(s)} = {_shown(s.initial)}" for s in self.states]
        lines = list(_paragraphs(self.nodes))
        ends = [f"output {name}: {_typed(x)} = {x}" for name, x in self.outputs.items()]
        late = [name for name in self.outputs if not self.timed.get(name, True)]
        ends += [f"       {name} counts after the last step" for name in late]
        ends += [f"accumulator {path}" for path in self.accumulators]
        ends += [f"head {path}, behind an accumulator" for path in self.head]
        return "\n".join([*heads, *lines, "", *ends])


def _paragraphs(nodes: Iterable[Node]) -> Iterator[str]:
    process = None
    for node in nodes:
        if node.process != process:
            process = node.process
            yield f"\n{process}"
        given = "" if node.output is None else f"{node.output} {_typed(node.output)} = "
        yield f"    {given}{node}"


def _typed(x: Tensor | SavedState) -> str:
    return f"{x.kind}{list(x.shape)}"


def _shown(value: Array) -> str:
    alike = value.size and np.all(value == value.flat[0])
    return f"{value.flat[0]}" if alike else f"an array from {value.min()} to {value.max()}"


def _check_order(graph: StepGraph) -> None:
    """Every operand was made before, and no name stands for two tensors."""
    made = {x.name: x for x in graph.inputs.values()}
    for node in graph.nodes:
        for x in node.inputs:
            known = made.setdefault(x.name, x) if x.value is not None else made.get(x.name)
            if known is None:
                raise FormatError(node.process, f"{node.op} takes {x.name!r} before it is made")
            if known is not x:
                raise FormatError(node.process, f"{x.name!r} is the name of two tensors")
        if node.output is not None:
            if node.output.name in made:
                raise FormatError(node.process, f"{node.output.name!r} is made twice")
            made[node.output.name] = node.output


def _check_pairs(graph: StepGraph) -> None:
    """Every state is loaded once and then saved once, in the same shape and kind."""
    for state in graph.states:
        own = [node for node in graph.nodes if node.attributes.get("flag") == state.flag]
        if [node.op for node in own] != ["load", "save"]:
            order = ", ".join(node.op for node in own) or "nothing"
            raise FormatError(state.flag, f"must be loaded once, then saved once; got {order}")
        for x in (own[0].output, own[1].inputs[0]):
            if x is None or (x.shape, x.kind) != (state.shape, state.kind) or x.value is not None:
                raise FormatError(state.flag, f"is {_typed(state)}; {own[0]} and {own[1]} are not")
    flags = [s.flag for s in graph.states]
    flagged = {node.attributes["flag"] for node in graph.nodes if "flag" in node.attributes}
    if len(set(flags)) < len(flags) or flagged != set(flags):
        raise FormatError("step graph", f"states must have names of their own, got {flags}")
