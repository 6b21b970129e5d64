"""What another simulator or trainer is to the benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, NamedTuple


class Took(NamedTuple):
    """One run: its seconds, its spikes if they are counted, and seconds of building before it."""

    seconds: float
    spikes: int | None = None
    before: float = 0.0


@dataclass(frozen=True)
class Ready:
    """A work that can be run, from its start, again and again.

    Attributes
    ----------
    run
        Runs once from the start and tells what it took.
    compile_s
        Seconds that building and compiling took.
    note
        How it differs from our work, in one line; "" where it does not.
    """

    run: Callable[[], Took]
    compile_s: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class Peer:
    """Another simulator or trainer.

    Attributes
    ----------
    name
        What the table calls it.
    package
        Its distribution, as pip knows it.
    works
        By work, the function that makes it ready: of the network and the steps of a simulation,
        of nothing for a training step. The package is imported in there.
    options
        Given to that function by name.
    """

    name: str
    package: str
    works: Mapping[str, Callable[..., Ready]]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> str | None:
        """The version installed here; None if it is not."""
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return None

    def prepare(self, work: str, *given: object) -> Ready:
        """Build and compile a work, one of `works`."""
        return self.works[work](*given, **self.options)


def timed(step: Callable[[], object]) -> Took:
    """Do it once."""
    began = time.perf_counter()
    step()
    return Took(time.perf_counter() - began)
