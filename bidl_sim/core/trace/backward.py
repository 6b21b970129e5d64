"""What the backward kernel of a traced step computes, in whatever language it is written."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bidl_sim.core.trace.expression import Expression, symbol
from bidl_sim.core.trace.gradient import gradients
from bidl_sim.core.trace.step import Trace


@dataclass(frozen=True)
class Backward:
    """One step's gradients.

    Attributes
    ----------
    outputs
        Sequences whose gradient arrives in each step, as ``go_<name>``.
    smooth
        States whose gradient comes from the step after, as ``ge_<name>``.
    gradients
        Of inputs, smooth states and learned parameters, by name.
    names
        The variable of each symbol in them.
    """

    outputs: tuple[str, ...]
    smooth: tuple[str, ...]
    gradients: dict[str, Expression]
    names: dict[str, str]


def backward(trace: Trace, kept: Collection[str], learned: Collection[str]) -> Backward:
    """The gradients of a step; ``kept`` are states given like outputs."""
    results = {**trace.outputs, **trace.new_states}
    outputs = tuple(n for n in (*trace.outputs, *kept) if results[n].kind == "float")
    smooth = tuple(n for n, e in trace.states.items() if e.kind == "float")
    seeds = [(results[n], symbol(f"go_{n}")) for n in outputs]
    seeds += [(trace.new_states[n], symbol(f"ge_{n}")) for n in smooth]
    wanted = [*trace.inputs.values(), *(trace.states[n] for n in smooth)]
    wanted += [trace.parameters[n] for n in learned]
    names = {**variables(trace), **{str(s.value): str(s.value) for _, s in seeds}}
    return Backward(outputs, smooth, gradients(seeds, wanted), names)


def variables(trace: Trace) -> dict[str, str]:
    """The variable of each input, state and parameter: ``i_<name>``, ``s_<name>``, ``p_<name>``."""
    groups = (("i", trace.inputs), ("s", trace.states), ("p", trace.parameters))
    return {name: f"{letter}_{name}" for letter, group in groups for name in group}
