"""An experiment: network, data and training, described in one TOML file."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bidl_sim.processes
from bidl_sim.core import registry
from bidl_sim.core.network import Network
from bidl_sim.data.config import DataConfig
from bidl_sim.errors import BidlError, ConfigError
from bidl_sim.trainers.config import TrainConfig
from bidl_sim.trainers.parse import leaves, parse

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

assert bidl_sim.processes  # imported so that the types a file names are registered


@dataclass(frozen=True)
class Experiment:
    """What a configuration file says.

    ``network`` lists processes as tables: ``type``, the arguments of that type, and optionally
    ``name`` and ``from``, the names of what feeds it (the one before, unless given).
    """

    network: list[Any] = field(default_factory=list)
    data: DataConfig = DataConfig()
    train: TrainConfig = TrainConfig()

    def build_network(self) -> Network:
        """The network, its first weights fixed by the training seed."""
        return network_from_tables(self.network, self.train.seed)


def load_experiment(path: str | Path, overrides: Iterable[tuple[str, str]] = ()) -> Experiment:
    """Read a TOML file and change single fields, ``("train.epochs", "5")`` or ``("epochs", "5")``.

    Raises `ConfigError` naming the file and the key.
    """
    try:
        table = tomllib.loads(Path(path).read_text())
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"is no TOML: {error}") from None
    for key, text in overrides:
        _set(table, _resolve(table, key), text)
    try:
        return parse(Experiment, table, "")
    except ConfigError as error:
        raise ConfigError(f"{path}, {error.where}", error.problem, error.help) from None


def network_from_tables(tables: list[Any], seed: int) -> Network:
    """A network from a list of tables, see `Experiment`."""
    net = Network(seed=seed)
    previous = None
    for number, table in enumerate(tables):
        where = f"network[{number}]"
        if not isinstance(table, Mapping) or not isinstance(table.get("type"), str):
            raise ConfigError(where, "must be a table with a type, such as {type = 'LIF'}")
        arguments = {k: v for k, v in table.items() if k not in ("type", "from")}
        try:
            kind = registry.lookup(where, table["type"])
            unknown = set(arguments) - {"name", "learn", *kind.option_specs, *kind.param_specs}
            if unknown:
                raise ConfigError(
                    f"{where}.{sorted(unknown)[0]}",
                    f"{table['type']} takes no such argument",
                    f"takes: {', '.join((*kind.option_specs, *kind.param_specs))}",
                )
            process = net.add(kind(**arguments))
            feeding = table.get("from", [previous] if previous and process.in_ports else [])
            for name in [feeding] if isinstance(feeding, str) else feeding:
                if name not in net.processes:
                    raise ConfigError(f"{where}.from", f"there is no process {name!r} before it")
                net.connect(net.processes[name], process)
        except ConfigError:
            raise
        except (BidlError, TypeError) as error:
            raise ConfigError(where, str(error)) from None
        previous = process.name
    return net


def _resolve(table: Mapping[str, Any], key: str) -> str:
    """The dotted name that a key stands for; a last part is enough where it is unique."""
    if "." in key:
        return key
    known = sorted({*leaves(Experiment), *_given(table)})
    fits = [name for name in known if name == key or name.endswith(f".{key}")]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise ConfigError(f"--{key}", f"could be {' or '.join(fits)}", "give the whole name")
    raise ConfigError(f"--{key}", "is no key of this configuration", f"known: {', '.join(known)}")


def _given(table: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Dotted names of all plain values in a table."""
    found = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            found += _given(value, f"{prefix}{key}.")
        elif not isinstance(value, list):
            found.append(f"{prefix}{key}")
    return found


def _set(table: Any, key: str, text: str) -> None:
    """Put a value, written as in TOML, at a dotted place; numbers are places in a list."""
    *way, last = key.split(".")
    for part in way:
        inside = isinstance(table, list)
        table = _item(table, part, key) if inside else table.setdefault(part, {})
        if not isinstance(table, (dict, list)):
            raise ConfigError(f"--{key}", f"{part!r} holds a value, not a table")
    value = _toml_value(text)
    if isinstance(table, list):
        _item(table, last, key)
        table[int(last)] = value
    else:
        table[last] = value


def _item(items: list[Any], part: str, key: str) -> Any:
    if not part.isdecimal() or int(part) >= len(items):
        raise ConfigError(f"--{key}", f"{part!r} must be a place in 0..{len(items) - 1}")
    return items[int(part)]


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text  # a word without quotes
