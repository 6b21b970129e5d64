"""The formats that networks are read from and written in; content tells which a file is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import h5py

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError, ParameterError
from bidl_sim.netx import native
from bidl_sim.netx.lava import reading, writing
from bidl_sim.netx.nir import reading as nir
from bidl_sim.netx.nir import writing as to_nir
from bidl_sim.netx.nir.options import NAMES
from bidl_sim.netx.onnx import files as onnx_files
from bidl_sim.netx.schema import VERSION


@dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes
    ----------
    name
        As messages call it.
    mark
        What an hdf5 file of this format has at its root: an attribute or a member of this name;
        empty where it is no hdf5.
    read
        The network of a file, with options by name.
    write
        A network to a file, with options by name; None where the format is only read.
    options, writes
        Which options ``read`` and ``write`` have.
    suffix
        A file whose name ends so is written in this format, and is of it where it is no hdf5.
    version
        Of what we write, where the format counts its versions.
    again
        The options with which what was written of a network is read again; None where it cannot be.
    sketch
        Options with which a file is read to be described, where it cannot be run without any.
    """

    name: str
    mark: str
    read: Callable[..., Network]
    write: Callable[..., None] | None = None
    options: tuple[str, ...] = ()
    suffix: str = ""
    writes: tuple[str, ...] = ()
    version: int | None = None
    again: Callable[[Network], Mapping[str, Any]] | None = None
    sketch: Mapping[str, Any] = field(default_factory=dict)

    def load(self, path: str | Path, **options: Any) -> Network:
        """The network of a file of this format."""
        self.check("netx.load", options, self.options)
        return self.read(path, **options)

    def check(self, where: str, options: Iterable[str], known: tuple[str, ...]) -> None:
        """Refuse options that are not known."""
        for name in options:
            if name not in known:
                raise ParameterError(
                    f"{where}, {name}",
                    f"is no option of {self.name} files; those are: {', '.join(known) or 'none'}",
                )


def _no_options(network: Network) -> Mapping[str, Any]:
    return {}


NATIVE = Format(
    *("bidl_sim", "format", native.load, native.save), version=VERSION, again=_no_options
)
LAVA = Format(
    *("lava-dl", "layer", reading.load, writing.write),
    options=tuple(f.name for f in fields(reading.Options)),
    again=writing.options_of,
)
NIR = Format(
    *("NIR", "node", nir.load, to_nir.save),
    options=NAMES,
    suffix=".nir",
    writes=("dt", "target"),
    again=_no_options,
    sketch={"dt": 1.0},
)
ONNX = Format(
    *("onnx", "", onnx_files.read, onnx_files.write),
    suffix=".onnx",
    writes=("dtype", "sequence", "fold"),
)

FORMATS: Mapping[str, Format] = {f.name: f for f in (NATIVE, LAVA, NIR, ONNX)}


def format_of(path: str | Path) -> Format:
    """Which format a file has; one that has no mark is left to the native reader to refuse."""
    return _marked(path) or NATIVE


def _marked(path: str | Path) -> Format | None:
    path = Path(path)
    if not path.is_file():
        raise FormatError(str(path), "is not a file" if path.exists() else "does not exist")
    try:
        with h5py.File(path, "r") as file:
            marks = {*file.attrs, *file}
    except (OSError, KeyError, RuntimeError, ValueError):
        other = (f for f in FORMATS.values() if not f.mark and f.suffix == path.suffix)
        return next(other, None)
    return next((f for f in FORMATS.values() if f.mark in marks), None)


def load(path: str | Path, **options: Any) -> Network:
    """Read a network from a file of any format, which is told by content.

    Native files; the .net files of lava-dl, whose options are those of
    `bidl_sim.netx.lava.reading.Options`; NIR files, with `bidl_sim.netx.nir.options.Options`, of
    which ``dt`` is needed. What a file keeps beside a network is in the network's ``metadata``.

    Raises `FormatError`, which names the field, for anything that is damaged, foreign or unsafe.
    """
    kind = _marked(path)
    return kind.load(path, **options) if kind else native.load(path)


def save(
    net: Process,
    path: str | Path,
    metadata: dict[str, Any] | None = None,
    format: str | None = None,
    **options: Any,
) -> None:
    """Write a network to a file.

    A native file holds the whole network: types, options, parameters, connections. Equal networks
    give equal bytes. An existing file is replaced once the new one is complete.

    Parameters
    ----------
    net
        The network; a single process stands for everything it is connected to.
    path
    metadata
        Anything JSON can say, kept beside the network, and added to its own ``metadata``.
    format
        One of `FORMATS`; told by the path's suffix unless given, and native if that says nothing.
        What a format cannot say is refused by name.
    options
        Of NIR files: ``dt``, the timestep in s of processes that have none of their own, and
        ``target``, a library that is to read the file with the same spikes. Of ONNX models:
        ``dtype``; ``sequence=True`` for a whole run instead of one timestep; ``fold=True`` for
        normalisations within weights.
    """
    if not isinstance(net, Process):
        raise ParameterError("netx.save", f"takes a network, got {type(net).__name__}")
    network = net if isinstance(net, Network) else Network.of(net)
    kind = format_to_write(path, format)
    assert kind.write is not None
    kind.check("netx.save", options, kind.writes)
    described = copy(network)  # the caller's stays as it is
    described.metadata = {**network.metadata, **(metadata or {})}
    kind.write(described, path, **options)


def format_to_write(path: str | Path, name: str | None = None) -> Format:
    """The format that `save` writes."""
    written = {f.name: f for f in FORMATS.values() if f.write}
    if name is None:
        return next((f for f in written.values() if f.suffix == Path(path).suffix != ""), NATIVE)
    if name not in written:
        raise ParameterError("netx.save, format", f"must be of {', '.join(written)}, got {name!r}")
    return written[name]
