"""Writing a network for another machine: a folder of files for each target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError, ParameterError
from bidl_sim.netx.replace import in_place_of
from bidl_sim.netx.step import dot, folded, step_graph


@dataclass(frozen=True)
class Target:
    """What a network can be written for.

    Attributes
    ----------
    write
        A network to a folder, with options by name; returns what one should know about the files.
    options
        Which options ``write`` has.
    """

    write: Callable[..., Sequence[str] | None]
    options: tuple[str, ...] = ()


def _graph(net: Network, folder: Path) -> None:
    """One timestep as text and as a picture for Graphviz."""
    graph = folded(step_graph(net))
    for name, text in (("step.txt", f"{graph}\n"), ("step.dot", dot(graph))):
        with in_place_of(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _onnx(net: Network, folder: Path, dtype: str = "float32") -> None:
    """One timestep as an ONNX model."""
    from bidl_sim.netx.onnx import files

    files.write(net, folder / "step.onnx", dtype, fold=True)


def _lynxi(net: Network, folder: Path, **options: Any) -> Sequence[str]:
    from bidl_sim.netx import lynxi

    return lynxi.export(net, folder, **options)


def _cpp(net: Network, folder: Path, **options: Any) -> None:
    from bidl_sim.netx import cpp

    cpp.export(net, folder, **options)


TARGETS: Mapping[str, Target] = {
    "cpp": Target(_cpp, ("dtype", "fold")),
    "graph": Target(_graph),
    "lynxi": Target(_lynxi, ("steps", "batch", "inputs")),
    "onnx": Target(_onnx, ("dtype",)),
}


def export(net: Process, target: str, folder: str | Path, **options: Any) -> tuple[str, ...]:
    """Write a network for a target.

    Parameters
    ----------
    net
        The network; a single process stands for everything it is connected to.
    target : "cpp", "graph", "lynxi" or "onnx"
        A C++ program (docs/cpp.md); one timestep as text and picture; what the Lynxi chip's tools
        take (docs/lynxi.md); an ONNX model of one timestep.
    folder
        Where to write; made if it does not exist, and files in it are replaced.
    options
        For "cpp" and "lynxi" those of `bidl_sim.netx.cpp.export` and `bidl_sim.netx.lynxi.export`,
        for "onnx" ``dtype``.

    Returns what one should know about the files. Raises `FormatError`, which names the process, for
    what the target cannot say.
    """
    if target not in TARGETS:
        raise ParameterError(
            "netx.export, target", f"must be one of {', '.join(TARGETS)}, got {target!r}"
        )
    for name in options:
        if name not in (known := TARGETS[target].options):
            raise ParameterError(
                f"netx.export, {name}",
                f"is no option of {target}; those are: {', '.join(known) or 'none'}",
            )
    network = net if isinstance(net, Network) else Network.of(net)
    folder = Path(folder)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise FormatError(
            str(folder), f"cannot be a folder to write to: {error.strerror}"
        ) from None
    return tuple(TARGETS[target].write(network, folder, **options) or ())
