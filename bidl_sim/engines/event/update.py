"""The generated update of a population: one timestep of all its neurons."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from textwrap import indent

from bidl_sim.core.trace.expression import Expression, in_order, operands, symbol
from bidl_sim.core.trace.kernels import HEAD
from bidl_sim.core.trace.lines import lines
from bidl_sim.core.trace.step import Trace


@dataclass(frozen=True)
class Update:
    """Source of ``update`` and of ``prepare``, which computes what stays the same.

    ``constants`` are the arrays that ``prepare`` fills: of one value where all parameters it
    depends on are shared, else of one for each neuron.
    """

    source: str
    constants: dict[str, bool]


def update_source(trace: Trace, shared: Collection[str], dtype: str, clear: bool = True) -> Update:
    """Write the update of a traced step.

    ``update(t, row_<port>..., now_<state>..., out_<port>..., param_<name>..., <constant>...)`` does
    one step: it takes what arrived and leaves the rows empty, unless they are not to be cleared.
    Spikes are bytes.
    """
    fixed = {x.number for x in trace.parameters.values()}
    results = {**trace.outputs, **trace.new_states}
    moving, constants = _hoisted(results, fixed)
    common = {n: _depends(e) <= set(shared) for n, e in constants.items()}
    own = [n for n in trace.parameters if n not in shared]
    arguments = [f"row_{n}" for n in trace.inputs] + [f"now_{n}" for n in trace.states]
    arguments += [f"out_{n}" for n in trace.outputs]
    parameters = [f"param_{n}" for n in trace.parameters]
    names = {**{n: f"i_{n}" for n in trace.inputs}, **{n: f"s_{n}" for n in trace.states}}
    names.update({n: f"p_{n}" for n in trace.parameters}, **{n: n for n in constants}, t="t")
    before = [f"p_{n} = param_{n}[0]" for n in trace.parameters if n in shared]
    inside = [f"p_{n} = param_{n}[i]" for n in own]
    step = [
        *(f"i_{n} = {'row_{0}[i]' if clear else 'F(row_{0}[i])'}".format(n) for n in trace.inputs),
        *(f"s_{n} = now_{n}[i]" for n in trace.states),
        *inside,
        *(f"{n} = const_{n}[i]" for n, same in common.items() if not same),
        *lines({f"r_{n}": e for n, e in moving.items()}, names),
        *(f"now_{n}[i] = r_{n}" for n in trace.states),
        *(f"out_{n}[i] = r_{n}{' != 0' * is_spike(e)}" for n, e in trace.outputs.items()),
        *(f"row_{n}[i] = 0" for n in trace.inputs if clear),
    ]
    hold = [f"const_{n}" for n in constants]
    first = next(iter(arguments))
    update = [
        f"def update({', '.join(['t', *arguments, *parameters, *hold])}):",
        *_in(1, before),
        *_in(1, (f"{n} = const_{n}[0]" for n, same in common.items() if same)),
        f"    for i in range({first}.size):",
        *_in(2, step),
    ]
    prepare = [f"def prepare({', '.join(['size', *parameters, *hold])}):", *_in(1, before)]
    for same in (True, False):
        chosen = {n: e for n, e in constants.items() if common[n] == same}
        if chosen:
            prepare += [f"    for i in range({'1' if same else 'size'}):"]
            prepare += _in(2, [] if same else inside)
            prepare += _in(2, lines({f"r_{n}": e for n, e in chosen.items()}, names))
            prepare += _in(2, (f"const_{n}[i] = r_{n}" for n in chosen))
    prepare += ["    return size"]
    head = HEAD.format(dtype=dtype)
    return Update("\n".join([head, "", *prepare, "", "", *update, ""]), common)


def is_spike(result: Expression) -> bool:
    """Whether an output can only be 0 or 1."""
    if result.op == "straight_through":
        return is_spike(result.args[0])
    if result.op == "-" and result.args[0].op == "const" and result.args[0].value == 1:
        return is_spike(result.args[1])
    return result.op == "fire"


def _hoisted(
    results: Mapping[str, Expression], fixed: Collection[int]
) -> tuple[dict[str, Expression], dict[str, Expression]]:
    """Results in which what depends on parameters only is a symbol, and those symbols' values."""
    still = set(fixed)
    replaced: dict[int, Expression] = {}
    constants: dict[str, Expression] = {}
    nodes = in_order(results.values(), values_only=True)
    for node in nodes:
        parts = operands(node)
        derived = node.kind == "float" and parts and all(x.number in still for x in parts)
        if node.op == "const" or derived:
            still.add(node.number)
    for node in nodes:
        parts = operands(node)
        if node.number in still or not parts:
            continue
        for x in parts:
            if x.number in still and x.args and x.number not in replaced:
                name = f"c{len(constants) + 1}"
                constants[name] = x
                replaced[x.number] = symbol(name, x.kind)
        parts = tuple(replaced.get(x.number, x) for x in parts)
        replaced[node.number] = Expression(node.op, node.kind, *parts, value=node.value)
    return {n: replaced.get(e.number, e) for n, e in results.items()}, constants


def _depends(constant: Expression) -> set[str]:
    return {str(x.value) for x in in_order([constant], values_only=True) if x.op == "input"}


def _in(depth: int, statements: Iterable[str]) -> list[str]:
    return [indent(s, "    " * depth) for s in statements]
