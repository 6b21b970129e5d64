"""The native format as data: what a file holds, without hdf5 and without networks.

`bidl_sim.netx.graph` turns a network into these records and back; `bidl_sim.netx.file` writes them
and reads them. ``docs/format.md`` describes the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bidl_sim.typing import Array

FORMAT = "bidl_sim network"
VERSION = 1
"""Counts up whenever a reader of older files would misread a newer one."""

Option: TypeAlias = "bool | int | float | str | tuple[int, ...]"


@dataclass(frozen=True)
class ProcessRecord:
    """One process: its type, its options, its arrays; ``network`` if it is itself a network.

    A parameter that has a place in ``scales`` is that times whole numbers from -127 to 127.
    """

    name: str
    type: str
    options: dict[str, Option] = field(default_factory=dict)
    parameters: dict[str, Array] = field(default_factory=dict)
    initial: dict[str, Array] = field(default_factory=dict)
    network: NetworkRecord | None = None
    scales: dict[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class ConnectionRecord:
    """``source`` and ``target`` are ``<process>.<port>`` within the network."""

    source: str
    target: str
    delay: int

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}, delay {self.delay}"


@dataclass(frozen=True)
class ReferenceRecord:
    """RefPort ``source`` refers to the state or parameter ``target``, both ``<process>.<name>``."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} refers to {self.target}"


@dataclass(frozen=True)
class ExposedRecord:
    """The network's own port ``name`` stands for ``<process>.<port>`` inside."""

    name: str
    port: str

    def __str__(self) -> str:
        return f"port {self.name} stands for {self.port}"


@dataclass(frozen=True)
class NetworkRecord:
    """Processes in order, and what is between them."""

    seed: int
    processes: tuple[ProcessRecord, ...]
    connections: tuple[ConnectionRecord, ...]
    references: tuple[ReferenceRecord, ...] = ()
    exposed: tuple[ExposedRecord, ...] = ()


@dataclass(frozen=True)
class ModelRecord:
    """A file: a network and free-form metadata (anything JSON can say)."""

    network: NetworkRecord
    metadata: dict[str, Any] = field(default_factory=dict)
