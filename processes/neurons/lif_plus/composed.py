"""The options that were chosen, put together."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bidl_sim.processes.neurons.lif_plus.options import STAGES, Equations
from bidl_sim.typing import Value

ORDER = ("accumulation", "refractory", "spike_current", "decay", "trigger")
"""In which the stages' equations are evaluated."""


@dataclass(frozen=True)
class Line:
    """``name = function(*takes)``."""

    name: str
    function: Callable[..., Any]
    takes: tuple[str, ...]


@dataclass(frozen=True)
class Composed:
    """The equations of one neuron, in the order in which they are evaluated."""

    drive: tuple[Line, ...]
    move: tuple[Line, ...]
    jump: tuple[Line, ...]
    moves_last: bool

    @property
    def names(self) -> frozenset[str]:
        """Everything the equations take: states, parameters, and values in between."""
        lines = (*self.drive, *self.move, *self.jump)
        return frozenset(name for line in lines for name in line.takes)


@cache
def composed(*chosen: tuple[str, str]) -> Composed:
    """The equations of pairs (stage, option), one for each stage."""
    names = dict(chosen)
    options = [STAGES[stage][names[stage]] for stage in ORDER]
    return Composed(
        drive=_lines(o.drive for o in options),
        move=_lines(o.move for o in options),
        jump=_lines(o.jump for o in options),
        moves_last=any(option.moves_last for option in options),
    )


def users(name: str) -> list[str]:
    """The options whose equations take ``name``, as ``decay='basic'``."""
    return [
        f"{stage}={choice!r}"
        for stage, options in STAGES.items()
        for choice, option in options.items()
        if any(
            name in _takes(f) for e in (option.drive, option.move, option.jump) for f in e.values()
        )
    ]


def evaluate(lines: tuple[Line, ...], known: Mapping[str, Value]) -> dict[str, Value]:
    """What is known, and what the lines give."""
    values = dict(known)
    for line in lines:
        values[line.name] = line.function(*(values[name] for name in line.takes))
    return values


def _lines(groups: Iterable[Equations]) -> tuple[Line, ...]:
    return tuple(Line(n, f, _takes(f)) for equations in groups for n, f in equations.items())


def _takes(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)
