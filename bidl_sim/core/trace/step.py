"""Tracing a process: its step called once, on symbols."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bidl_sim.core.forms import WeightRule
from bidl_sim.core.process import Process
from bidl_sim.core.surrogate import SURROGATES
from bidl_sim.core.trace.expression import (
    Expression,
    as_expression,
    as_float,
    const,
    in_order,
    symbol,
)
from bidl_sim.errors import TraceError


@dataclass(frozen=True, eq=False)
class Trace:
    """A step as expressions.

    Attributes
    ----------
    inputs, states, parameters
        Symbols by the name of the InPort, state or parameter; of these only what has an effect.
    outputs, new_states
        What the step returns, by OutPort and by state; states in the order of ``states``.
    """

    inputs: dict[str, Expression]
    states: dict[str, Expression]
    parameters: dict[str, Expression]
    outputs: dict[str, Expression]
    new_states: dict[str, Expression]


def trace(
    process: Process,
    training: bool = False,
    given: Collection[str] = (),
    silent: Collection[str] = (),
) -> Trace:
    """The expressions of a process's step.

    ``given`` names what else the caller can offer by a symbol of that name: ``t``. ``silent`` are
    InPorts that only zeros arrive at.

    Raises `TraceError` where the step does what expressions cannot say; the torch engine runs it
    all the same.
    """
    kept = process.states(training)
    ports = process.in_specs.items()
    inputs = {n: symbol(n, spec.dtype) for n, spec in ports if n not in silent}
    states = {n: symbol(n, process.state_specs[n].dtype) for n in kept}
    parameters = {n: symbol(n) for n in process.param_specs if n not in process.left_out}
    known: dict[str, Any] = {
        **dict.fromkeys((*process.param_specs, *process.state_specs)),
        **{n: const(0.0) for n in silent},
        **inputs,
        **states,
        **parameters,
        "training": training,
        "t": symbol("t", "int"),
    }
    if process.ref_specs:
        raise _refused(process, "it has RefPorts")
    for name in process.step_arguments:
        if name == "fire":
            known[name] = _fire(process)
        elif name == "uniform" and not process.draws(training):
            known[name] = None
        elif name not in known and hasattr(process, f"bind_{name}"):
            known[name] = getattr(process, f"bind_{name}")(parameters, training)
        elif name not in known:
            raise _refused(process, f"it takes {name!r}")
    try:
        result = process.step(**{name: known[name] for name in process.step_arguments})
    except TraceError as error:
        raise _refused(process, str(error)) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise _refused(process, str(error).splitlines()[0]) from error
    values = result if isinstance(result, tuple) else (result,)
    returned = (*process.out_specs, *process.state_specs)
    if len(values) != len(returned):
        raise _refused(process, f"it returns {len(values)} values, wanted {', '.join(returned)}")
    found = dict(zip(returned, values, strict=True))
    outputs = {n: _as_kind(process, n, found[n], s.dtype) for n, s in process.out_specs.items()}
    new_states = {n: _as_kind(process, n, found[n], process.state_specs[n].dtype) for n in kept}
    used = {x.number for x in in_order((*outputs.values(), *new_states.values()))}
    if known["t"].number in used and "t" not in given:
        raise _refused(process, "it takes 't'")
    needed = {n: x for n, x in parameters.items() if x.number in used}
    return Trace(inputs, states, needed, outputs, new_states)


def weight_rule(process: Any) -> WeightRule:
    """The expressions of a plasticity rule's equations."""
    states = {n: symbol(n) for n in process.state_specs}
    spikes = {side: symbol(side) for side in ("pre", "post")}
    known = {"t": symbol("t", "int"), "weight": symbol("weight"), **spikes, **states}
    changes = {
        name: as_float(as_expression(_called(process, name, known)))
        for name in process.arguments
        if name.startswith("on_")
    }
    sides = []
    for side, spike in spikes.items():
        new = _called(process, f"update_{side}", known)
        values = new if isinstance(new, tuple) else (new,)
        own = process.traces(side)
        if len(values) != len(own):
            raise _refused(process, f"update_{side} returns {len(values)} values for {own}")
        after = {n: as_float(as_expression(x)) for n, x in zip(own, values, strict=True)}
        sides.append(Trace({side: spike}, {n: states[n] for n in own}, {}, {}, after))
    return WeightRule(changes, process.epoch, *sides)


def _called(process: Any, name: str, known: Mapping[str, Expression]) -> Any:
    try:
        return process.call(name, known)
    except TraceError as error:
        raise _refused(process, f"{name}: {error}") from None


def _fire(process: Any) -> Callable[[Expression], Expression]:
    surrogate, width = SURROGATES[process.surrogate], process.width

    def derivative(x: Expression) -> Expression:
        return as_float(as_expression(surrogate.derivative(x, width)))

    return lambda x: Expression("fire", x.kind, as_expression(x), value=derivative)


def _as_kind(process: Process, name: str, value: Any, kind: str) -> Expression:
    expression = as_expression(value)
    if kind == "float":
        return as_float(expression)
    if expression.kind == "float":
        raise _refused(process, f"{name} is declared as {kind}, the step returns a float")
    return expression


def _refused(process: Process, reason: str) -> TraceError:
    return TraceError(
        f"{process.where}, step",
        f"cannot be traced: {reason}",
        "it runs on the torch engine, kernels='eager'",
    )
