"""Between networks and records of the native format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import bidl_sim.processes
from bidl_sim.core import registry
from bidl_sim.core.fields import REQUIRED
from bidl_sim.core.network import Network
from bidl_sim.core.param import Param
from bidl_sim.core.port import InPort, OutPort, Port, RefPort
from bidl_sim.core.process import Process
from bidl_sim.errors import BidlError, FormatError
from bidl_sim.netx.schema import (
    ConnectionRecord,
    ExposedRecord,
    NetworkRecord,
    Option,
    ProcessRecord,
    ReferenceRecord,
)
from bidl_sim.processes.synapses.rounded import RoundedSynapse
from bidl_sim.typing import Array

assert bidl_sim.processes  # imported so that the types a file names are registered

NETWORK = "Network"
"""The type of a process that is itself a network."""


# -- network to record ---------------------------------------------------------------------------


def to_record(network: Network) -> NetworkRecord:
    """The record of a network that was built; `FormatError` names what a file cannot say."""
    processes = network.processes
    inside = {id(process): name for name, process in processes.items()}

    def at(port: InPort | OutPort) -> str:
        return f"{inside[id(port.process)]}.{port.name}"

    return NetworkRecord(
        network.seed,
        tuple(_process_record(name, process) for name, process in processes.items()),
        tuple(
            ConnectionRecord(at(connection.source), at(connection.target), connection.delay)
            for process in processes.values()
            for port in process.in_ports.values()
            for connection in port.sources
        ),
        tuple(
            ReferenceRecord(f"{name}.{ref.name}", _referred(ref, inside))
            for name, process in processes.items()
            for ref in process.ref_ports.values()
        ),
        tuple(
            ExposedRecord(name, at(port.inner))
            for name, port in network.ports.items()
            if isinstance(port, (InPort, OutPort)) and port.inner is not None
        ),
    )


def _referred(ref: RefPort, inside: dict[int, str]) -> str:
    assert ref.target is not None
    process, variable = ref.target
    if id(process) not in inside:
        raise FormatError(str(ref), "refers to a process of another network, which no file can say")
    return f"{inside[id(process)]}.{variable}"


def _process_record(name: str, process: Process) -> ProcessRecord:
    if isinstance(process, Network):
        return ProcessRecord(name, NETWORK, network=to_record(process))
    kind = type(process).__name__
    if registry.types().get(kind) is not type(process):
        raise FormatError(process.where, f"its type {kind} was redefined after it was made")
    return ProcessRecord(
        name,
        kind,
        {n: _option(process, n, v) for n, v in process.options().items() if v is not None},
        process.parameters(),
        dict(process.initial or {}),
        scales=_scales(process),
    )


def _scales(process: Process) -> dict[str, Array]:
    """What its weight is whole numbers of, if it is."""
    scale = process.scale if isinstance(process, RoundedSynapse) else None
    return {} if scale is None else {"weight": scale}


def _option(process: Process, name: str, value: Any) -> Option:
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        return ",".join(value)  # the names of learned parameters
    if isinstance(value, tuple) and all(isinstance(item, int) for item in value):
        return value
    raise FormatError(
        f"{process.where}, {name}",
        f"holds a {type(value).__name__}, which no file can say",
        "replace the process, for example by an Input or a Sink, before saving",
    )


# -- record to network ---------------------------------------------------------------------------


def to_network(record: NetworkRecord, where: str, name: str | None = None) -> Network:
    """The network a record describes; every error names the field in the file."""
    with _named(where):
        network = Network(name=name, seed=record.seed)
    for process in record.processes:
        field = f"{where}/processes/{process.name}"
        with _named(field):
            network.add(_process(process, field))
    for c in record.connections:
        field = f"{where}/connections: {c.source} -> {c.target}"
        with _named(field):
            source = _port(network, c.source, OutPort, field)
            source.connect(_port(network, c.target, InPort, field), c.delay)
    for r in record.references:
        field = f"{where}/references: {r.source} -> {r.target}"
        owner, _, variable = r.target.rpartition(".")
        if owner not in network.processes:
            raise FormatError(field, f"there is no process {owner!r}")
        with _named(field):
            _port(network, r.source, RefPort, field).connect(network.processes[owner], variable)
    for e in record.exposed:
        field = f"{where}/exposed: {e.name}"
        with _named(field):
            network.expose(_port(network, e.port, Port, field), e.name)
    return network


@contextmanager
def _named(field: str) -> Iterator[None]:
    """Put the field of the file in front of what goes wrong inside."""
    try:
        yield
    except FormatError:
        raise
    except BidlError as error:
        raise FormatError(field, str(error)) from None


def _process(record: ProcessRecord, where: str) -> Process:
    if record.type == NETWORK:
        if record.network is None:
            raise FormatError(where, "is a network without a group 'network'")
        return to_network(record.network, f"{where}/network", record.name)
    kind = registry.lookup(where, record.type)
    if record.network is not None:
        raise FormatError(where, f"{record.type} cannot hold a network")
    for found, known, what in (
        (record.options, kind.option_specs, "option"),
        (record.parameters, kind.param_specs, "parameter"),
    ):
        for name in found:
            if name not in known:
                raise FormatError(f"{where}/{what}s/{name}", f"{record.type} has no such {what}")
    for name, spec in kind.option_specs.items():
        if spec.default is REQUIRED and name not in record.options:
            raise FormatError(f"{where}/options/{name}", f"is missing, {record.type} needs it")
    options: dict[str, Any] = dict(record.options)
    if "learn" in options:
        options["learn"] = _learn(options["learn"], where)
    parameters: dict[str, Any] = {
        name: _parameter(record, name, spec) for name, spec in kind.param_specs.items()
    }
    process = kind(name=record.name, initial=record.initial or None, **options, **parameters)
    for name in kind.param_specs:
        if name not in process.parameters() and name not in process.left_out:
            raise FormatError(f"{where}/parameters/{name}", f"is missing, {record.type} needs it")
    return process


def _learn(text: Any, where: str) -> bool | tuple[str, ...]:
    if not isinstance(text, str):
        raise FormatError(f"{where}/options/learn", "must be text")
    return {"": False, "*": True}.get(text, tuple(text.split(",")))


def _parameter(record: ProcessRecord, name: str, spec: Param) -> Any:
    if name in record.parameters:
        return record.parameters[name]
    return False if spec.optional else None


P = TypeVar("P", bound=Port)


def _port(network: Network, path: str, kind: type[P], where: str) -> P:
    process, _, name = path.rpartition(".")
    if process not in network.processes:
        raise FormatError(where, f"there is no process {process!r}")
    port = network.processes[process].ports.get(name)
    if not isinstance(port, kind):
        has = ", ".join(network.processes[process].ports)
        raise FormatError(where, f"{path!r} is no such port; {process!r} has: {has}")
    return port
