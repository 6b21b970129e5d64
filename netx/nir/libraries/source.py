"""Files as a library writes them: what they mean beyond what their nodes say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bidl_sim.typing import Array, Shape

Fields: TypeAlias = dict[str, Array]


def as_said(kind: str, fields: Fields, dt: float) -> Fields:
    """Fields as they are."""
    return fields


@dataclass(frozen=True)
class Source:
    """The conventions of a library's files.

    Attributes
    ----------
    options
        `bidl_sim.netx.nir.options.Options` that count where neither a person nor the file says
        others.
    of_kind
        The same for nodes of a type.
    fields
        What the fields of a neuron mean, from its type, its fields and dt.
    counts_batch
        The shapes of Input and Output begin with a batch axis.
    biases_at_once
        A bias on the way back of a loop acts from the first step on.
    begins_at
        The field that says where potentials begin; they begin at 0 if none does.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    of_kind: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fields: Callable[[str, Fields, float], Fields] = as_said
    counts_batch: bool = False
    biases_at_once: bool = False
    begins_at: str = ""

    def shape(self, shape: Shape) -> Shape:
        """Of what enters or leaves."""
        return shape[1:] if self.counts_batch and len(shape) in (2, 4) else shape
