"""Rules of who is connected with whom; each builds a `Sparse`.

``pre`` and ``post`` are numbers of neurons, or populations made with ``n=`` or ``shape=``.
``weight`` and ``delay`` are one number for all, an array with one for each synapse, or a
distribution (see `distributions`). ``seed`` fixes what is drawn. Synapses are stored by source, and
of one source by target.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from bidl_sim.core.fields import as_int
from bidl_sim.core.memory import check_memory
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.param import as_whole_array
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.processes.synapses.distributions import Draw, drawn
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from bidl_sim.processes.synapses.sparse import Sparse


def all_to_all(
    cls: type[Sparse], /, pre: Any, post: Any, *, self_connections: bool = True, **more: Any
) -> Sparse:
    """Every source to every target; ``self_connections=False`` leaves out i to i."""
    n_in, n_out = _size("pre", pre), _size("post", post)
    _check_room("all_to_all", n_in * n_out)
    targets = np.tile(np.arange(n_out, dtype=np.int32), n_in)
    counts = np.full(n_in, n_out)
    if not self_connections:
        keep = targets != np.repeat(np.arange(n_in, dtype=np.int32), n_out)
        targets, counts = targets[keep], counts - (np.arange(n_in) < n_out)
    return _made(cls, n_in, n_out, counts, targets, **more)


def one_to_one(cls: type[Sparse], /, pre: Any, post: Any, **more: Any) -> Sparse:
    """Source i to target i; the populations must be of one size."""
    n_in, n_out = _size("pre", pre), _size("post", post)
    if n_in != n_out:
        raise ShapeError("Sparse.one_to_one", f"connects {n_in} sources with {n_out} targets")
    return _made(cls, n_in, n_out, np.ones(n_in, int), np.arange(n_in, dtype=np.int32), **more)


def fixed_probability(cls: type[Sparse], /, pre: Any, post: Any, p: float, **more: Any) -> Sparse:
    """Each ordered pair with probability ``p``, independently."""
    n_in, n_out = _size("pre", pre), _size("post", post)
    _probability(p)
    _check_room("fixed_probability", n_in * n_out * p)
    rng = np.random.default_rng(more.get("seed", 0))
    counts = rng.binomial(n_out, p, n_in)
    targets = _distinct(rng, counts, n_out)
    return _made(cls, n_in, n_out, counts, targets, rng=rng, **more)


def fixed_out_degree(cls: type[Sparse], /, pre: Any, post: Any, k: int, **more: Any) -> Sparse:
    """Each source to ``k`` targets, drawn uniformly with replacement."""
    n_in, n_out = _size("pre", pre), _size("post", post)
    k = as_int("Sparse.fixed_out_degree, k", k, 0)
    _check_room("fixed_out_degree", n_in * k)
    rng = np.random.default_rng(more.get("seed", 0))
    targets = rng.integers(0, n_out, (n_in, k), dtype=np.int32)
    targets.sort(axis=1)
    return _made(cls, n_in, n_out, np.full(n_in, k), targets.ravel(), rng=rng, **more)


def fixed_in_degree(cls: type[Sparse], /, pre: Any, post: Any, k: int, **more: Any) -> Sparse:
    """Each target from ``k`` sources, drawn uniformly with replacement."""
    n_in, n_out = _size("pre", pre), _size("post", post)
    k = as_int("Sparse.fixed_in_degree, k", k, 0)
    _check_room("fixed_in_degree", n_out * k)
    rng = np.random.default_rng(more.get("seed", 0))
    sources = rng.integers(0, n_in, n_out * k, dtype=np.int32)
    counts, targets = _by_source(sources, np.arange(n_out + 1) * k, n_in)
    return _made(cls, n_in, n_out, counts, targets, rng=rng, **more)


def by_distance(
    cls: type[Sparse],
    /,
    pre: Array,
    post: Array,
    probability: Callable[[Array], Array],
    **more: Any,
) -> Sparse:
    """Pairs with a probability that depends on distance.

    ``pre`` and ``post`` are positions ``(neurons, dimensions)``; ``probability`` maps distances to
    probabilities. ``weight`` and ``delay`` may also be functions of distance, given as
    ``weight_of=`` and ``delay_of=``.
    """
    rng = np.random.default_rng(more.get("seed", 0))
    here, there = (np.atleast_2d(np.asarray(x, float)) for x in (pre, post))
    if here.shape[1] != there.shape[1]:
        raise ShapeError("Sparse.by_distance", f"positions {here.shape} and {there.shape} differ")
    counts, rows, distances = [], [], []
    for position in here:
        distance = np.sqrt(((there - position) ** 2).sum(1))
        chance = np.asarray(probability(distance))
        if np.any(chance < 0) or np.any(chance > 1) or np.any(np.isnan(chance)):
            raise ParameterError("Sparse.by_distance, probability", "must stay within [0, 1]")
        chosen = np.flatnonzero(rng.random(len(there)) < chance).astype(np.int32)
        counts.append(len(chosen))
        rows.append(chosen)
        distances.append(distance[chosen])
    far = np.concatenate(distances)
    for name in ("weight", "delay"):
        if function := more.pop(f"{name}_of", None):
            more[name] = np.asarray(function(far))
    targets = np.concatenate(rows)
    return _made(cls, len(here), len(there), np.array(counts), targets, rng=rng, **more)


def from_pairs(
    cls: type[Sparse], /, pre: Any, post: Any, sources: Array, targets: Array, **more: Any
) -> Sparse:
    """Synapse k from ``sources[k]`` to ``targets[k]``, in any order; arrays go along."""
    n_in, n_out = _size("pre", pre), _size("post", post)
    sources, targets = (
        as_whole_array(f"Sparse.from_pairs, {name}", values)
        for name, values in (("sources", sources), ("targets", targets))
    )
    if sources.shape != targets.shape or sources.ndim != 1:
        raise ShapeError(
            "Sparse.from_pairs", f"sources {sources.shape} and targets {targets.shape} differ"
        )
    if sources.size and not 0 <= int(sources.min()) <= int(sources.max()) < n_in:
        raise ParameterError("Sparse.from_pairs, sources", f"must be in 0 .. {n_in - 1}")
    order = np.lexsort((targets, sources))
    for name in ("weight", "delay"):
        if np.ndim(more.get(name, 0)):
            more[name] = np.asarray(more[name])[order]
    counts = np.bincount(sources, minlength=n_in)
    return _made(cls, n_in, n_out, counts, targets[order].astype(np.int32), **more)


def from_scipy(cls: type[Sparse], /, matrix: Any, **more: Any) -> Sparse:
    """A scipy sparse matrix ``(out, in)``, as in ``a_out = matrix @ s_in``; its values weigh."""
    by_source = matrix.tocsc()
    by_source.sort_indices()
    n_out, n_in = by_source.shape
    counts = np.diff(by_source.indptr)
    more.setdefault("weight", by_source.data)
    return _made(cls, n_in, n_out, counts, by_source.indices.astype(np.int32), **more)


def _made(
    cls: type[Sparse],
    /,
    n_in: int,
    n_out: int,
    counts: Array,
    targets: Array,
    *,
    weight: Draw = 1.0,
    delay: Draw = 0,
    seed: int = 0,
    rng: np.random.Generator | None = None,
    **options: Any,
) -> Sparse:
    rng = rng or np.random.default_rng(as_int("Sparse, seed", seed, 0))
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return cls(
        n_in,
        n_out,
        offsets=offsets,
        targets=targets,
        weight=drawn("weight", weight, rng, len(targets)),
        delay=drawn("delay", delay, rng, len(targets)),
        **options,
    )


def _size(what: str, population: Any) -> int:
    if isinstance(population, Neuron):
        shape = population.declared_shape
        if shape is None:
            raise ParameterError(
                f"Sparse, {what}", f"{population.label} has no size yet", "make it with n="
            )
        return math.prod(shape)
    shape = getattr(population, "shape", None)
    if isinstance(shape, tuple):
        return math.prod(shape)
    return as_int(f"Sparse, {what}", population, 1)


def _check_room(rule: str, synapses: float) -> None:
    check_memory(f"Sparse.{rule}", 16 * synapses, f"{synapses:,.0f} synapses")


def _probability(p: float) -> None:
    if not 0 <= p <= 1:
        raise ParameterError("Sparse.fixed_probability, p", f"must be in [0, 1], got {p}")


def _by_source(sources: Array, offsets: Array, n_in: int) -> tuple[Array, Array]:
    """From sources in the order of targets to counts and targets in the order of sources."""
    from scipy.sparse import csc_matrix

    marks = np.ones(len(sources), np.int8)
    rows = csc_matrix((marks, sources, offsets), (n_in, len(offsets) - 1)).tocsr()
    return np.diff(rows.indptr), rows.indices


def _distinct(rng: np.random.Generator, counts: Array, n_out: int) -> Array:
    """For each source so many different targets, in order."""
    rows = [np.sort(rng.choice(n_out, c, replace=False, shuffle=False)) for c in counts]
    return np.concatenate(rows).astype(np.int32) if len(rows) else np.empty(0, np.int32)
