"""Ports of Lava's processes, which stand for ports of ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bidl_sim.core import port as core
from bidl_sim.errors import GraphError, ParameterError, ShapeError, StateError
from bidl_sim.lava.member import Member


@dataclass(eq=False, repr=False)
class InPort(Member):
    """Receives values.

    Attributes
    ----------
    leaves
        The ports of ours that stand for it, and the steps that what is sent there takes.
    """

    leaves: list[tuple[core.InPort, int]] = field(default_factory=list)

    def connect_from(self, source: OutPort | Iterable[OutPort]) -> None:
        """The same as ``source.connect(self)``."""
        for port in [source] if isinstance(source, OutPort) else source:
            port.connect(self)


@dataclass(eq=False, repr=False)
class OutPort(Member):
    """Sends values.

    Attributes
    ----------
    leaf
        The port of ours that stands for it.
    """

    leaf: core.OutPort

    def connect(self, target: InPort | Iterable[InPort]) -> None:
        """Send everything to a port, or to each of several."""
        if not isinstance(target, InPort):
            if not isinstance(target, Iterable):
                raise ParameterError(f"connect {self}", f"takes an InPort, got {target!r}")
            for port in target:
                self.connect(port)
            return
        where = f"connect {self} to {target}"
        if self.process.runtime or target.process.runtime:
            raise StateError(where, "the processes have run already", "connect before the run")
        if target.shape is None:
            target.shape = self.shape
        if self.shape != target.shape:
            raise ShapeError(where, f"sends shape {self.shape}, wanted {target.shape}")
        for leaf, delay in target.leaves:
            self.leaf.connect(leaf, delay)
        self.process.join(target.process)

    def reshape(self, *args: Any, **kwargs: Any) -> Any:
        """Refused, as the other virtual ports."""
        raise GraphError(
            str(self), "cannot be reshaped, flattened, transposed or joined", "connect it directly"
        )

    flatten = transpose = concat_with = reshape
