"""What weights and delays can be drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from bidl_sim.errors import ParameterError
from bidl_sim.typing import Array

Draw: TypeAlias = "float | Array | Callable[[np.random.Generator, int], Array]"
"""One number for all, an array with one for each, or a function (generator, count) -> array."""


@dataclass(frozen=True)
class Constant:
    """The same first value for each, where each is to change by itself."""

    value: float

    def __call__(self, rng: np.random.Generator, count: int) -> Array:
        return np.full(count, self.value, np.float32)


@dataclass(frozen=True)
class Normal:
    """Normal with mean and standard deviation, clipped to [low, high]."""

    mean: float
    std: float
    low: float = -np.inf
    high: float = np.inf

    def __call__(self, rng: np.random.Generator, count: int) -> Array:
        drawn = rng.normal(self.mean, self.std, count)
        return drawn.clip(self.low, self.high).astype(np.float32)


@dataclass(frozen=True)
class Uniform:
    """Uniform in [low, high)."""

    low: float
    high: float

    def __call__(self, rng: np.random.Generator, count: int) -> Array:
        return rng.uniform(self.low, self.high, count).astype(np.float32)


@dataclass(frozen=True)
class LogNormal:
    """exp of a normal with mean ``mu`` and standard deviation ``sigma``."""

    mu: float
    sigma: float

    def __call__(self, rng: np.random.Generator, count: int) -> Array:
        return rng.lognormal(self.mu, self.sigma, count).astype(np.float32)


@dataclass(frozen=True)
class Steps:
    """Whole numbers from ``low`` to ``high``, both included, for delays."""

    low: int
    high: int

    def __call__(self, rng: np.random.Generator, count: int) -> Array:
        return rng.integers(self.low, self.high + 1, count, dtype=np.int32)


def drawn(what: str, values: Draw, rng: np.random.Generator, count: int) -> float | Array:
    """Values for ``count`` synapses: one number stays one number."""
    if callable(values):
        values = values(rng, count)
        if np.shape(values) != (count,):
            raise ParameterError(
                f"Sparse, {what}", f"drew shape {np.shape(values)} for {count} synapses"
            )
    return values
