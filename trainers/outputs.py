"""Networks with several outputs: a loss for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from bidl_sim.errors import ConfigError, DataError

Loss = Callable[[Any, Any], Tensor]


@dataclass(frozen=True)
class PerOutput:
    """A loss for each output of a network: the sum of ``weight loss(output, target)``.

    Targets are then a mapping from the names of the outputs, too: ``(inputs, {"scores": ...,
    "boxes": ...})``.

    Parameters
    ----------
    losses
        By the name of the output; those of `bidl_sim.trainers`, or functions of your own.
    weights
        By the name of the output, 1 where none is given.
    """

    losses: Mapping[str, Loss]
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.weights:
            if name not in self.losses:
                raise ConfigError(f"PerOutput, weights[{name!r}]", "there is no loss of that name")

    def __call__(self, outputs: Mapping[str, Tensor], targets: Mapping[str, Any]) -> Tensor:
        for what, found in (("output", outputs), ("target", targets)):
            names = sorted(found) if isinstance(found, Mapping) else None
            if names != sorted(self.losses):
                raise DataError(
                    "PerOutput",
                    f"has losses {sorted(self.losses)}; "
                    f"{what}s {'have no names' if names is None else f'are {names}'}",
                    f"each {what} needs a loss, and each loss one",
                )
        parts = [
            self.weights.get(name, 1.0) * loss(outputs[name], targets[name])
            for name, loss in self.losses.items()
        ]
        total: Tensor = sum(parts[1:], parts[0])
        return total


def each(function: Callable[[Tensor], Tensor], values: Any) -> Any:
    """A function of a tensor, or of every tensor of a mapping."""
    if isinstance(values, Mapping):
        return {name: function(value) for name, value in values.items()}
    return function(values)


def samples(values: Any) -> int:
    """How many samples there are, in a tensor or in each of a mapping."""
    return len(next(iter(values.values())) if isinstance(values, Mapping) else values)
