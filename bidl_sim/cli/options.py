"""Options of model files, the same on every command that is given one."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bidl_sim.errors import ParameterError


def shape(text: str) -> tuple[int, ...]:
    """``2x34x34`` as numbers."""
    return tuple(int(size) for size in text.split("x"))


@dataclass(frozen=True)
class FileOption:
    """An option of `bidl_sim.netx.load` or `save`; one without a ``parse`` is said or not."""

    name: str
    help: str
    parse: Callable[[str], Any] | None = None


NIR = (
    FileOption("dt", "the timestep in seconds", float),
    FileOption("source", "the library that wrote the file, whose conventions count", str),
    FileOption("reset", "'value' or 'subtract'", str),
    FileOption("method", "'euler' or 'exp'", str),
    FileOption("if_gain", "'per_step' or 'dt': what I and IF add", str),
    FileOption("max_spikes", "of a neuron in a step, or inf", float),
    FileOption("v_min", "the least potential, in thresholds", float),
    FileOption("compare", "'gt' or 'ge': whether a spike is above the threshold, or at it", str),
)
LAVA = (
    FileOption("pipeline", "every synapse takes a step, as in Lava"),
    FileOption("as_lava", "compute as Lava where it deviates from lava-dl"),
    FileOption("reset_interval", "states are 0 again after so many steps", int),
    FileOption("reset_offset", "the first step of an interval", int),
    FileOption("num_layers", "read only so many layers", int),
    FileOption("skip_layers", "leave out so many layers", int),
    FileOption("input_shape", "of what the first layer takes, as 2x34x34", shape),
    FileOption("arithmetic", "'integer' or 'fixed'", str),
    FileOption("voltage", "the last layer sends its voltage"),
)
WRITTEN_NIR = (FileOption("target", "the library that is to read the file", str),)
ONNX = (
    FileOption("dtype", "'float64', 'float32' (default) or 'float16'", str),
    FileOption("sequence", "a whole run in place of one timestep"),
    FileOption("fold", "normalisations within weights"),
)

READ: Mapping[str, tuple[FileOption, ...]] = {
    "options of NIR files": NIR,
    "options of lava-dl's files": LAVA,
}
WRITTEN: Mapping[str, tuple[FileOption, ...]] = {
    "options of NIR files that are written": WRITTEN_NIR,
    "options of ONNX models that are written": ONNX,
}


def declare(parser: argparse.ArgumentParser, *tables: Mapping[str, tuple[FileOption, ...]]) -> None:
    """Declare the options of tables such as `READ`."""
    for title, options in (item for table in tables for item in table.items()):
        group = parser.add_argument_group(title)
        for option in options:
            word = f"--{option.name.replace('_', '-')}"
            if option.parse is None:
                group.add_argument(word, action="store_const", const=True, help=option.help)
            else:
                metavar = option.name.upper()
                group.add_argument(word, type=option.parse, metavar=metavar, help=option.help)


def given(
    options: argparse.Namespace, *tables: Mapping[str, tuple[FileOption, ...]]
) -> dict[str, Any]:
    """What was said of them."""
    found = [option.name for table in tables for group in table.values() for option in group]
    return {name: said for name in found if (said := getattr(options, name)) is not None}


def shared(options: Mapping[str, Any], *files: tuple[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    """For each file, by its name and the options it has, those of them that it takes."""
    for name in options:
        if not any(name in known for _, known in files):
            paths = " and ".join(path for path, _ in files)
            raise ParameterError(f"--{name.replace('_', '-')}", f"is no option of {paths}")
    return [{n: v for n, v in options.items() if n in known} for _, known in files]
