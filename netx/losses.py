"""What a network loses as a file of each format: it is written, read again and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bidl_sim.core.network import Network
from bidl_sim.errors import BidlError
from bidl_sim.netx.diff import networks
from bidl_sim.netx.formats import FORMATS, Format
from bidl_sim.netx.graph import to_record
from bidl_sim.netx.schema import NetworkRecord, ProcessRecord


def losses(network: Network) -> dict[str, tuple[str, ...]]:
    """What each format that is written does not hold of a network, line by line.

    No line says that a file gives the same network again. A single one that begins with "refused"
    says why there can be no file.
    """
    network.build()
    with TemporaryDirectory() as folder:
        return {
            kind.name: tuple(_lost(network, kind, Path(folder) / f"model{kind.suffix}"))
            for kind in FORMATS.values()
            if kind.write
        }


def _lost(network: Network, kind: Format, path: Path) -> Iterator[str]:
    assert kind.write is not None
    try:
        kind.write(network, path)
    except BidlError as error:
        yield f"refused: {error}"
        return
    if kind.again is None:
        yield "written, not read again: it holds the operations of a timestep, and no training"
        return
    back = kind.load(path, **kind.again(network))
    back.build()
    one, other = to_record(network), to_record(back)
    if not {p.name for p in one.processes} & {p.name for p in other.processes} - {"input"}:
        yield "names of processes"
        one, other = _processes(one), _renamed(_processes(other), one)
    for line in networks("", one, other):
        yield line.replace("in the first", "here").replace("in the second", "in the file")
    if beside := [name for name in network.metadata if name not in back.metadata]:
        yield f"metadata: {', '.join(beside)}"


def _processes(network: NetworkRecord) -> NetworkRecord:
    return NetworkRecord(network.seed, network.processes, ())


def _renamed(found: NetworkRecord, like: NetworkRecord) -> NetworkRecord:
    """Processes with the names that the first ones of their type have."""
    free = list(like.processes)
    named: list[ProcessRecord] = []
    for process in found.processes:
        twin = next((p for p in free if p.type == process.type), None)
        if twin is not None:
            free.remove(twin)
            process = replace(process, name=twin.name)
        named.append(process)
    return replace(found, processes=tuple(named))
