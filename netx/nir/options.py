"""What a NIR file leaves open: how its equations become timesteps."""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from bidl_sim.errors import BidlError, FormatError, ParameterError
from bidl_sim.netx.nir.libraries import SOURCES
from bidl_sim.netx.nir.libraries.source import Source
from bidl_sim.processes.neurons.discretised import METHODS
from bidl_sim.processes.neurons.integrator import GAINS
from bidl_sim.processes.neurons.thresholded import ANY, COMPARISONS

RESETS = ("value", "subtract")
CHOICES = {
    "reset": RESETS,
    "method": METHODS,
    "if_gain": GAINS,
    "compare": COMPARISONS,
    "source": tuple(SOURCES),
}
PREFIX = "bidl_"
"""Of the keys of a file's metadata that say these options."""


@dataclass(frozen=True)
class Options:
    """How a NIR file becomes a network, or a network a file.

    Each option may stand in the metadata of the file, of its graphs or of single nodes, as
    ``bidl_dt`` and so on; the innermost counts. What is given to `bidl_sim.netx.load` counts more.

    Attributes
    ----------
    dt : s
        The timestep; has no default.
    reset : "value" or "subtract"
        After a spike v = v_reset, or v = v - v_threshold.
    method : "euler" or "exp"
        How a potential moves, see `Discretised`.
    if_gain : "per_step" or "dt"
        What IF and I add in a step: r times their input, or dt r times. Unless said it is the
        first, but where r is 1/dt.
    max_spikes : int or infinity
        How many spikes a neuron may send in a step; infinity is `ANY`.
    v_min : float
        The least potential in units of the threshold; none unless given, or if -infinity.
    compare : "gt" or "ge"
        Whether a potential equal to its threshold is no spike, or one.
    source : str
        The library that wrote the file, of `SOURCES`: its conventions count where nothing else is
        said.
    """

    dt: float | None = None
    reset: str = "value"
    method: str = "euler"
    if_gain: str | None = None
    max_spikes: int = 1
    v_min: float | None = None
    compare: str = "gt"
    source: str | None = None

    @property
    def library(self) -> Source:
        """Whose conventions the file has."""
        return Source() if self.source is None else SOURCES[self.source]

    @property
    def step(self) -> float:
        """The timestep, which must be known."""
        if self.dt is None:
            raise ParameterError(
                "netx.load, dt", "is needed, for a NIR file has no timestep", "pass dt= in seconds"
            )
        return self.dt


NAMES = tuple(f.name for f in fields(Options))


def given(options: Mapping[str, Any], where: str = "netx.load") -> dict[str, Any]:
    """Options as a person gave them, checked; None is not given."""
    return {
        name: checked(f"{where}, {name}", name, value)
        for name, value in options.items()
        if value is not None
    }


def resolve(
    where: str, given: Mapping[str, Any], *metadata: Mapping[str, Any], kind: str = ""
) -> Options:
    """What counts for a node: what was given, then metadata from the innermost on, the source."""
    said: dict[str, Any] = {}
    for key, value in ChainMap(*map(dict, metadata)).items():
        name = key.removeprefix(PREFIX)
        if key.startswith(PREFIX) and key != f"{PREFIX}metadata":
            at = f"{where}/metadata/{key}"
            try:
                said[name] = checked(at, name, plain(value))
            except FormatError:
                raise
            except BidlError as error:
                raise FormatError(error.where, error.problem) from None
    said |= given
    source = Options(source=said.get("source")).library
    return Options(**{**source.options, **source.of_kind.get(kind, {}), **said})


def checked(where: str, name: str, value: Any) -> Any:
    """The value of an option, or a `ParameterError`."""
    if name not in NAMES:
        raise FormatError(where, f"is unknown; known: {', '.join(PREFIX + n for n in NAMES)}")
    if name in CHOICES:
        if not isinstance(value, str) or value not in CHOICES[name]:
            known = " or ".join(map(repr, CHOICES[name]))
            raise ParameterError(where, f"must be {known}, got {value!r}")
        return value
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    number = float(value) if is_number else math.nan
    if name == "max_spikes":
        if number != math.inf and not (number >= 1 and number == int(number)):
            raise ParameterError(where, f"must be a whole number >= 1 or infinity, got {value!r}")
        return ANY if number >= ANY else int(number)
    if name == "v_min" and number == -math.inf:
        return number
    if not math.isfinite(number) or (name == "dt" and number <= 0):
        wanted = "seconds > 0" if name == "dt" else "a number"
        raise ParameterError(where, f"must be {wanted}, got {value!r}")
    return number


def plain(value: Any) -> Any:
    """A number or text as Python's."""
    array = np.asarray(value)
    return array.reshape(()).item() if array.size == 1 else value


def metadata(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as a file's metadata says them."""
    return {f"{PREFIX}{name}": value for name, value in options.items() if value is not None}
