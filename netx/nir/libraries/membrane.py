"""A neuron of a NIR file as what one timestep of it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bidl_sim.errors import FormatError
from bidl_sim.netx.nir.file import Node
from bidl_sim.typing import Array


@dataclass(frozen=True)
class Membrane:
    """One step, whatever the equation that it came from.

    ::

        i = (1 - current_lost) i + current_gain x      i = x without a current
        v = (1 - lost) v + lost v_leak + gain i

    Gains, v_leak, threshold and reset divided by one number give the same spikes.

    Attributes
    ----------
    node
        The node that says it.
    options
        How its equation becomes timesteps.
    """

    node: Node
    options: Mapping[str, Any]
    lost: Array
    gain: Array
    current_lost: Array
    current_gain: Array

    @classmethod
    def of(cls, node: Node, options: Mapping[str, Any]) -> Membrane:
        """What a node does in a step."""
        fields, dt = node.fields, options["dt"]
        r = np.asarray(fields["r"], np.float64)
        one = np.ones_like(r)
        if node.kind in ("I", "IF"):
            rate = dt if options["if_gain"] == "dt" else 1.0
            return cls(node, options, 0 * one, rate * r, one, one)
        a = dt / np.asarray(fields["tau" if "tau" in fields else "tau_mem"], np.float64)
        lost = a if options["method"] == "euler" else -np.expm1(-a)
        if "tau_syn" not in fields:
            return cls(node, options, lost, lost * r, one, one)
        b = dt / np.asarray(fields["tau_syn"], np.float64)
        return cls(node, options, lost, lost * r, b, b * fields["w_in"])

    def scaled(self, unit: Array) -> dict[str, Any]:
        """Leak, threshold and reset where potentials are divided by ``unit``."""
        if np.any(unit <= 0):
            raise FormatError(
                f"{self.node.where}, r", "is not above 0", "put its sign into the weights before it"
            )
        names = ("v_leak", "v_threshold", "v_reset")
        found = {n: np.asarray(self.node.fields[n]) for n in names if n in self.node.fields}
        return {n: value if np.all(unit == 1) else value / unit for n, value in found.items()}

    def check_zero(self, name: str, library: str) -> None:
        """Refuse a field that is not 0."""
        if np.any(np.asarray(self.node.fields.get(name, 0)) != 0):
            raise FormatError(f"{self.node.where}, {name}", f"is not 0, as it is in {library}")

    def check_option(self, name: str, wanted: Any, library: str) -> None:
        """Refuse an option that a library's neurons do not have."""
        found = self.options.get(name, wanted)
        if found != wanted:
            raise FormatError(
                f"{self.node.where}, {name}", f"is {found!r}, in {library} it is {wanted!r}"
            )
