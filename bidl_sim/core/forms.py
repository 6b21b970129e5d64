"""Forms a process may take in the event engine, where its step is not followed literally."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from bidl_sim.typing import Array

if TYPE_CHECKING:
    from bidl_sim.core.equation import Equation
    from bidl_sim.core.trace.expression import Expression
    from bidl_sim.core.trace.step import Trace


@dataclass(frozen=True)
class Rows:
    """A linear map by source: value i goes, times ``weight[k]``, to ``targets[k]``.

    The synapses k of source i are ``offsets[i]`` to ``offsets[i + 1] - 1``; ``weight`` and
    ``delay`` have one value or one for each synapse. A weight ``(steps, synapse)`` is another in
    each step in which values arrive, and the last one in later steps. ``constant`` is added in
    every step, flat as the output.
    """

    offsets: Array
    targets: Array
    weight: Array
    delay: Array
    constant: Array | None = None


@dataclass(frozen=True)
class Matrix:
    """A linear map ``(in, out)``, for inputs few of which are not zero."""

    by_source: Array
    constant: Array | None = None


@dataclass(frozen=True)
class RandomSpikes:
    """A spike where the step's uniform number is below ``rate``, one value or one a neuron."""

    rate: Array


@dataclass(frozen=True)
class RandomCounts:
    """As many events as entries of ``below``, a cumulative distribution, the number reaches.

    Each event has ``size``. ``guide`` says where to begin the search.
    """

    below: Array
    guide: Array
    size: float


@dataclass(frozen=True, eq=False)
class WeightRule:
    """What happens to the weights a RefPort ``weight`` refers to, and to the rule's own states.

    ``changes`` gives the new weight of a synapse whose source spikes (``on_pre``), whose target
    does (``on_post``), or of any in the last of every ``epoch`` steps (``on_epoch``), as far as
    the rule has them: in the symbols ``weight``, ``t`` and the names of states, of the synapse's
    source (``pre``) or target (``post``); ``on_epoch`` also in the spikes ``pre`` and ``post``. The
    traces ``pre`` and ``post`` are the steps of the two sides, with an input of that name.
    """

    changes: Mapping[str, Expression]
    epoch: int
    pre: Trace
    post: Trace


@dataclass(frozen=True)
class Largest:
    """The largest of some values: output j is that of the inputs ``places[k]``.

    The k of output j are ``offsets[j]`` to ``offsets[j + 1] - 1``, at least one.
    """

    offsets: Array
    places: Array


@dataclass(frozen=True)
class SquaresOverTheirSum:
    """Every value squared, where it is above 0, over ``sigma`` and ``k`` times the squares' sum."""

    sigma: float
    k: float


@dataclass(frozen=True)
class Product:
    """Sums of products of two inputs, times ``scale``."""

    equation: Equation
    scale: float = 1.0


@dataclass(frozen=True)
class Concatenation:
    """The inputs one after another along an axis."""

    axis: int


@dataclass(frozen=True)
class PythonCall:
    """Python code, called as ``function(t, seen)`` in steps 0, every, 2 every, ...

    ``seen`` is what arrived since the last call, ``(batch, *shape)``; the answer is sent until the
    next. The process has two states: what arrived so far, and the last answer.
    """

    function: Callable[[int, Array], Array]
    every: int


Form: TypeAlias = (
    "Rows | Matrix | Product | Concatenation | Largest | SquaresOverTheirSum | RandomSpikes"
    " | RandomCounts | PythonCall"
    " | WeightRule"
)
