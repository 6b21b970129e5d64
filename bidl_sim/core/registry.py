"""The process types that files and configurations can name.

A type registers itself when its class is defined, under its class name. Reading a file builds
processes from this table only, so a file can never name code that is not already here.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from bidl_sim.errors import GraphError, ParameterError

if TYPE_CHECKING:
    from bidl_sim.core.process import Process

_types: dict[str, type[Process]] = {}


def register(cls: type[Process]) -> None:
    """Add a type. Defining it again in the same module (a notebook cell) replaces it."""
    other = _types.get(cls.__name__)
    if other is not None and other.__module__ != cls.__module__:
        raise GraphError(
            f"process type {cls.__name__!r} in {cls.__module__}",
            f"the name is taken by {other.__module__}",
            "give the class another name",
        )
    _types[cls.__name__] = cls


def types() -> Mapping[str, type[Process]]:
    """All registered process types by name, in the order they were defined."""
    return MappingProxyType(_types)


def lookup(where: str, name: str) -> type[Process]:
    """The type called ``name``; `ParameterError` with the nearest known name otherwise."""
    if name not in _types:
        near = difflib.get_close_matches(name, _types, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(_types))}"
        raise ParameterError(where, f"unknown process type {name!r}", hint)
    return _types[name]
