"""From plain tables (TOML, JSON) to typed dataclasses; an unknown key is an error."""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from bidl_sim.errors import BidlError, ConfigError

T = TypeVar("T")

EXTRA = "options"
"""A dataclass with a field of this name collects keys it does not know there and checks them."""


def parse(kind: type[T], table: Any, where: str) -> T:
    """An instance of a dataclass from a table, each value checked against its field's type."""
    if not isinstance(table, Mapping):
        raise ConfigError(where, f"must be a table, got {table!r}")
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]  # ours
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in table.items():
        at = f"{where}.{key}" if where else key
        if key in fields and key != EXTRA:
            types_by_name = fields[key].metadata.get("types")
            if types_by_name:
                values[key] = _tagged(types_by_name, value, at)
            else:
                values[key] = _value(hints[key], value, at)
        elif EXTRA in fields:
            extra[key] = value
        else:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(fields)}"
            raise ConfigError(at, "is unknown", hint)
    if extra:
        values[EXTRA] = extra
    try:
        return kind(**values)
    except ConfigError:
        raise
    except (BidlError, TypeError) as error:
        raise ConfigError(where, str(error)) from None


def leaves(kind: type, prefix: str = "") -> list[str]:
    """Dotted names of all fields that hold a plain value."""
    found = []
    hints = typing.get_type_hints(kind)
    for f in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[f.name]):
            found += leaves(hints[f.name], f"{prefix}{f.name}.")
        elif "types" in f.metadata:
            parts = {n for t in f.metadata["types"].values() for n in leaves(t)}
            found += [f"{prefix}{f.name}.{part}" for part in ("type", *sorted(parts))]
        elif f.name != EXTRA:
            found.append(f"{prefix}{f.name}")
    return found


def _tagged(kinds: Mapping[str, type], value: Any, where: str) -> Any:
    """A table whose ``type`` names one of several dataclasses."""
    table = dict(value) if isinstance(value, Mapping) else {"type": value}
    name = table.pop("type", next(iter(kinds)))
    if name not in kinds:
        raise ConfigError(f"{where}.type", f"must be one of {', '.join(kinds)}, got {name!r}")
    return parse(kinds[name], table, where)


def _value(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return parse(kind, value, where)  # type: ignore[arg-type]  # a class
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, (list, tuple)):
            raise ConfigError(where, f"must be a list, got {value!r}")
        return tuple(_value(typing.get_args(kind)[0], item, where) for item in value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    wanted: type = typing.get_origin(kind) or kind
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise ConfigError(where, f"must be {_WORDS[wanted]}, got {value!r}")
    return value


_WORDS = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}
