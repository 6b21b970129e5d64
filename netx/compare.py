"""Comparing what two runs of the same samples did, spike by spike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bidl_sim.errors import ShapeError
from bidl_sim.typing import Array


@dataclass(frozen=True)
class Trace:
    """What a run did, batch first: recorded members by path, network outputs by name."""

    recorded: dict[str, Array]
    outputs: dict[str, Array]
    seconds: float


@dataclass
class Difference:
    """What differs between two runs.

    ``spikes`` counts compared spike values (each neuron in each step), ``differing`` those that
    differ. Of these, ``rounding`` are the first of their sample and lay within rounding of the
    threshold; ``following`` come after such a one. ``worst`` is the largest difference of analog
    values (relative to the largest, where that is above 1) in samples whose spikes are all equal,
    infinite where a value is not finite, ``classes`` the number of samples whose largest
    output is another one, ``first`` where the first difference is.
    """

    spikes: int = 0
    differing: int = 0
    rounding: int = 0
    following: int = 0
    worst: float = 0.0
    classes: int = 0
    first: str = ""

    def add(self, other: Difference) -> None:
        """Take in what another group of samples showed."""
        for name in ("spikes", "differing", "rounding", "following", "classes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.worst = max(self.worst, other.worst)
        self.first = self.first or other.first

    @property
    def explained(self) -> bool:
        """Whether every differing spike is rounding or follows from it."""
        return self.differing == self.rounding + self.following


WithinRounding = Callable[[str, int, int, Array], Array]
"""(port, sample, step, which neurons) -> which of them lay within rounding of the threshold."""


def compare(reference: Trace, other: Trace, within_rounding: WithinRounding | None) -> Difference:
    """Compare two runs; ports stand in order of execution.

    Without ``within_rounding`` the other run has coarser numbers: no spike is excused, and analog
    values are compared in all samples.
    """
    _check_shapes(reference, other)
    found = Difference()
    spiking = {p: v for p, v in reference.recorded.items() if np.all((v == 0) | (v == 1))}
    differs = {port: values != other.recorded[port] for port, values in spiking.items()}
    found.spikes = sum(values.size for values in spiking.values())
    found.differing = sum(int(d.sum()) for d in differs.values())
    batch = len(next(iter((*reference.recorded.values(), *reference.outputs.values()))))
    touched = {b for d in differs.values() for b in np.flatnonzero(_per_sample(d).any(1))}
    for b in sorted(touched):
        _explain(found, {port: d[b] for port, d in differs.items()}, int(b), within_rounding)
    clean = [b for b in range(batch) if within_rounding is None or b not in touched]
    analog = {p: v for p, v in reference.recorded.items() if p not in spiking}
    for mine, theirs in ((analog, other.recorded), (reference.outputs, other.outputs)):
        for name, values in mine.items():
            found.worst = max(found.worst, _gap(values, theirs[name], clean))
    found.classes = _other_classes(reference.outputs, other.outputs)
    return found


def _check_shapes(reference: Trace, other: Trace) -> None:
    for mine, theirs in (
        (reference.recorded, other.recorded),
        (reference.outputs, other.outputs),
    ):
        for name, values in mine.items():
            if theirs[name].shape != values.shape:
                raise ShapeError(
                    name, f"is {theirs[name].shape} in one run, {values.shape} in the other"
                )


def _gap(mine: Array, theirs: Array, samples: list[int]) -> float:
    """The largest difference, in units of the largest value or 1; infinite if some is NaN."""
    wanted, got = (values[samples].astype(np.float64) for values in (mine, theirs))
    if not np.isfinite([wanted, got]).all():
        return float("inf")
    scale = max(1.0, float(np.abs(wanted).max(initial=0.0)))
    return float(np.abs(wanted - got).max(initial=0.0)) / scale


def _per_sample(differs: Array) -> Array:
    """``(batch, time x neurons)``."""
    return differs.reshape(len(differs), -1)


def _explain(
    found: Difference, differs: Mapping[str, Array], sample: int, within: WithinRounding | None
) -> None:
    """Count the differences of one sample: the first is rounding, or nothing is explained."""
    steps = {port: d.reshape(len(d), -1).any(1) for port, d in differs.items() if d.any()}
    port, step = min(
        ((port, int(np.argmax(when))) for port, when in steps.items()), key=lambda item: item[1]
    )
    which = differs[port][step]
    rounding = int(within(port, sample, step, which).sum()) if within else 0
    total = sum(int(d.sum()) for d in differs.values())
    found.rounding += rounding
    if rounding == which.sum():
        found.following += total - rounding
    if not found.first:
        found.first = f"{port}, step {step}"


def _other_classes(mine: Mapping[str, Array], theirs: Mapping[str, Array]) -> int:
    """Samples whose decision differs; an output over time is averaged first."""
    changed: set[int] = set()
    for name, values in mine.items():
        scores, others = (
            v.reshape(len(v), -1, v.shape[-1]).mean(1) for v in (values, theirs[name])
        )
        changed.update(np.flatnonzero(scores.argmax(1) != others.argmax(1)).tolist())
    return len(changed)
