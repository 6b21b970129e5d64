"""What a process costs: memory, and operations for a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bidl_sim.table import table


@dataclass(frozen=True)
class Work:
    """The cost of one process, or of several together.

    Everything that happens in a run is for one sample, as a mean.

    Attributes
    ----------
    parameter_bytes, state_bytes
        Memory of parameters, and of states and of values on their way (delays) of one sample.
    weights, nonzero_weights
        Weights of a synapse, those of absent connections included, and those that are not zero.
    macs, acs
        Synaptic operations: a value that is not zero, times a weight that is not zero. Where all
        values were 0, 1 or -1 they are accumulations (acs), else multiply-accumulates (macs).
    dense
        Synaptic operations if nothing is left out: every value, every synapse, every step.
    membrane_updates
        How often a membrane potential changed.
    values, events
        What neurons sent: all values, and those that are not zero.
    """

    parameter_bytes: int = 0
    state_bytes: int = 0
    weights: int = 0
    nonzero_weights: int = 0
    macs: float = 0.0
    acs: float = 0.0
    dense: float = 0.0
    membrane_updates: float = 0.0
    values: float = 0.0
    events: float = 0.0

    @property
    def footprint(self) -> int:
        """Bytes of parameters and states."""
        return self.parameter_bytes + self.state_bytes

    @property
    def connection_sparsity(self) -> float | None:
        """Share of weights that are zero; None without weights."""
        return 1 - self.nonzero_weights / self.weights if self.weights else None

    @property
    def activation_sparsity(self) -> float | None:
        """Share of sent values that are zero; None without neurons or before a run."""
        return 1 - self.events / self.values if self.values else None

    @property
    def event_rate(self) -> float | None:
        """Events per neuron and step; None without neurons or before a run."""
        return self.events / self.values if self.values else None

    @property
    def synaptic_operations(self) -> float:
        """Synaptic operations that are needed: ``macs + acs``."""
        return self.macs + self.acs

    def __add__(self, other: Work) -> Work:
        return Work(*(a + b for a, b in zip(self._parts(), other._parts(), strict=True)))

    def as_dict(self) -> dict[str, Any]:
        """The figures under NeuroBench's names."""
        return {
            "footprint": self.footprint,
            "connection_sparsity": self.connection_sparsity,
            "activation_sparsity": self.activation_sparsity,
            "synaptic_operations": {
                "Effective_MACs": self.macs,
                "Effective_ACs": self.acs,
                "Dense": self.dense,
            },
            "membrane_updates": self.membrane_updates,
        }

    def row(self) -> list[str]:
        """The figures as text, for `render`."""
        shares = (self.connection_sparsity, self.activation_sparsity)
        return [
            _count(self.footprint),
            *("" if share is None else f"{share:.3f}" for share in shares),
            *map(_count, (self.macs, self.acs, self.dense, self.membrane_updates)),
        ]

    def _parts(self) -> Sequence[Any]:
        return [getattr(self, name) for name in self.__dataclass_fields__]


HEADER = (
    "footprint", "connection sparsity", "activation sparsity", "MACs", "ACs", "dense", "membrane",
)  # fmt: skip


def render(works: dict[str, Work]) -> str:
    """A table: a line for each process that costs something, and their sum."""
    rows = [["process", *HEADER]]
    rows += [[name, *work.row()] for name, work in works.items() if any(work.row())]
    rows.append(["total", *sum(works.values(), start=Work()).row()])
    return table(rows, left=1, totals=True)


def _count(number: float) -> str:
    return f"{number:,.0f}" if number else ""
