"""Native files: records to hdf5 and back. Nothing here knows a neuron."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bidl_sim.errors import FormatError
from bidl_sim.netx.guard import open_guarded
from bidl_sim.netx.replace import replacing
from bidl_sim.netx.schema import (
    FORMAT,
    VERSION,
    ConnectionRecord,
    ExposedRecord,
    ModelRecord,
    NetworkRecord,
    Option,
    ProcessRecord,
    ReferenceRecord,
)
from bidl_sim.typing import Array


def is_native(file: h5py.File) -> bool:
    """Whether an open file is of the native format."""
    name = file.attrs.get("format")
    return isinstance(name, (bytes, str, np.bytes_)) and _text(name) == FORMAT


# -- writing -------------------------------------------------------------------------------------


def write(record: ModelRecord, path: str | Path) -> None:
    """Write a file; equal records give equal bytes. An old file stays until the new is whole."""
    with replacing(path, libver=("v110", "v110")) as file:
        file.attrs["format"] = np.bytes_(FORMAT)
        file.attrs["version"] = np.int64(VERSION)
        _write_text(file, "metadata", json.dumps(record.metadata, sort_keys=True))
        _write_network(file.create_group("network"), record.network)


def _write_network(group: h5py.Group, network: NetworkRecord) -> None:
    group.attrs["seed"] = np.int64(network.seed)
    processes = group.create_group("processes")
    for index, process in enumerate(network.processes):
        _write_process(processes.create_group(process.name), index, process)
    _write_table(
        group.create_group("connections"),
        source=[c.source for c in network.connections],
        target=[c.target for c in network.connections],
        delay=np.array([c.delay for c in network.connections], np.int64),
    )
    _write_table(
        group.create_group("references"),
        source=[r.source for r in network.references],
        target=[r.target for r in network.references],
    )
    _write_table(
        group.create_group("exposed"),
        name=[e.name for e in network.exposed],
        port=[e.port for e in network.exposed],
    )


def _write_process(group: h5py.Group, index: int, process: ProcessRecord) -> None:
    group.attrs["index"] = np.int64(index)
    group.attrs["type"] = np.bytes_(process.type)
    options = group.create_group("options")
    for name, value in process.options.items():
        options.attrs[name] = np.bytes_(value.encode()) if isinstance(value, str) else value
    for folder, arrays in (("parameters", process.parameters), ("initial", process.initial)):
        inner = group.create_group(folder)
        for name, array in arrays.items():
            if folder == "parameters" and name in process.scales:
                _write_scaled(inner.create_group(name), array, process.scales[name])
            else:
                inner.create_dataset(name, data=array)
    if process.network is not None:
        _write_network(group.create_group("network"), process.network)


def _write_scaled(group: h5py.Group, array: Array, scale: Array) -> None:
    """An array of whole multiples of a scale, in a byte each."""
    group.create_dataset("values", data=np.rint(array / scale).astype(np.int8))
    group.create_dataset("scale", data=scale)


def _write_table(group: h5py.Group, **columns: list[str] | Array) -> None:
    for name, column in columns.items():
        if isinstance(column, list):
            column = np.array([text.encode() for text in column], dtype="S")
        if len(column):
            group.create_dataset(name, data=column)


def _write_text(group: h5py.Group, name: str, text: str) -> None:
    group.create_dataset(name, data=np.frombuffer(text.encode(), np.uint8))


# -- reading -------------------------------------------------------------------------------------


def read(path: str | Path) -> ModelRecord:
    """Read a file; `FormatError` names the field that is wrong."""
    with open_guarded(path) as file:
        if not is_native(file):
            raise FormatError(
                f"{path}: attribute 'format'",
                f"must be {FORMAT!r}, is {_shown(file.attrs.get('format'))}",
                "this version reads networks written by bidl_sim.netx.save",
            )
        version = _integer(file, "version", str(path))
        if version != VERSION:
            raise FormatError(
                f"{path}: attribute 'version'",
                f"is {version}, this version of bidl_sim reads {VERSION}",
                "read it with the version that wrote it, or a newer one",
            )
        _only(file, {"metadata", "network"}, {"format", "version"}, str(path))
        metadata = _json(_dataset(file, "metadata", str(path)), f"{path}: /metadata")
        network = _read_network(_group(file, "network", str(path)), str(path))
        return ModelRecord(network, metadata)


def _read_network(group: h5py.Group, path: str) -> NetworkRecord:
    _only(group, {"processes", "connections", "references", "exposed"}, {"seed"}, path)
    folder = _group(group, "processes", path)
    processes = [_read_process(_group(folder, name, path), name, path) for name in folder]
    order = [index for index, _ in processes]
    if sorted(order) != list(range(len(order))):
        raise FormatError(f"{path}: {folder.name}", "the indices of processes are not 0, 1, 2, ...")
    connections = _read_table(group, "connections", ("source", "target", "delay"), path)
    references = _read_table(group, "references", ("source", "target"), path)
    exposed = _read_table(group, "exposed", ("name", "port"), path)
    return NetworkRecord(
        _integer(group, "seed", path),
        tuple(process for _, process in sorted(processes, key=lambda item: item[0])),
        tuple(ConnectionRecord(str(s), str(t), int(d)) for s, t, d in connections),
        tuple(ReferenceRecord(str(s), str(t)) for s, t in references),
        tuple(ExposedRecord(str(n), str(p)) for n, p in exposed),
    )


def _read_process(group: h5py.Group, name: str, path: str) -> tuple[int, ProcessRecord]:
    _only(group, {"options", "parameters", "initial", "network"}, {"index", "type"}, path)
    options = _group(group, "options", path)
    _only(options, set(), set(options.attrs), path)
    inner = None
    if "network" in group:
        inner = _read_network(_group(group, "network", path), path)
    parameters, scales = _parameters(_group(group, "parameters", path), path)
    record = ProcessRecord(
        name,
        _text_attribute(group, "type", path),
        {option: _option(options, option, path) for option in options.attrs},
        parameters,
        _arrays(_group(group, "initial", path), path),
        inner,
        scales,
    )
    return _integer(group, "index", path), record


def _arrays(group: h5py.Group, path: str) -> dict[str, Array]:
    return {name: _dataset(group, name, path) for name in group}


def _parameters(group: h5py.Group, path: str) -> tuple[dict[str, Array], dict[str, Array]]:
    """Arrays, and the scales of those that are stored as whole numbers."""
    arrays, scales = {}, {}
    for name in group:
        if isinstance(group[name], h5py.Group):
            values, scales[name] = _scaled(group[name], path)
            arrays[name] = values * scales[name]
        else:
            arrays[name] = _dataset(group, name, path)
    return arrays, scales


def _scaled(group: h5py.Group, path: str) -> tuple[Array, Array]:
    """Whole numbers and their scale, which fit each other."""
    _only(group, {"values", "scale"}, set(), path)
    values, scale = (_dataset(group, name, path) for name in ("values", "scale"))
    where = f"{path}: {group.name}"
    if values.dtype != np.int8 or scale.dtype != np.float32:
        given = f"{values.dtype} and {scale.dtype}"
        raise FormatError(where, f"must be int8 values and a float32 scale, are {given}")
    fits = (one in (1, size) for one, size in zip(scale.shape, values.shape, strict=False))
    if scale.ndim != values.ndim or not all(fits):
        raise FormatError(where, f"a scale of shape {scale.shape} does not fit {values.shape}")
    return values, scale


def _read_table(
    group: h5py.Group, name: str, columns: tuple[str, ...], path: str
) -> list[tuple[Any, ...]]:
    table = _group(group, name, path)
    _only(table, set(columns), set(), path)
    if not len(table):
        return []
    found = [
        _column(_dataset(table, column, path), f"{path}: {table.name}/{column}")
        for column in columns
    ]
    if len({len(column) for column in found}) > 1:
        raise FormatError(f"{path}: {table.name}", "its columns differ in length")
    return list(zip(*found, strict=True))


def _column(array: Array, where: str) -> list[Any]:
    if array.ndim != 1 or array.dtype.kind not in "Siu":
        raise FormatError(where, f"must be a list of strings or integers, is {array.dtype}")
    return [_text(item, where) if array.dtype.kind == "S" else int(item) for item in array]


def _option(group: h5py.Group, name: str, path: str) -> Option:
    value = group.attrs[name]
    where = f"{path}: {group.name}, attribute {name!r}"
    if isinstance(value, (bytes, np.bytes_)):
        return _text(value, where)
    array = np.asarray(value)
    if array.ndim == 1 and array.dtype.kind in "iu":
        return tuple(int(item) for item in array)
    if array.ndim == 0 and array.dtype.kind in "biuf":
        return array.item()  # type: ignore[no-any-return]  # a Python bool, int or float
    raise FormatError(where, f"must be a number, text or list of integers, is {array.dtype}")


def _group(parent: h5py.Group, name: str, path: str) -> h5py.Group:
    item = parent.get(name)
    if not isinstance(item, h5py.Group):
        raise FormatError(
            f"{path}: {parent.name.rstrip('/')}/{name}", "must be a group, is missing or not one"
        )
    return item


def _dataset(parent: h5py.Group, name: str, path: str) -> Array:
    item = parent.get(name)
    if not isinstance(item, h5py.Dataset):
        raise FormatError(
            f"{path}: {parent.name.rstrip('/')}/{name}", "must be a dataset, is missing or not one"
        )
    array: Array = np.asarray(item[()])
    return array


def _integer(item: h5py.Group, name: str, path: str) -> int:
    value = item.attrs.get(name)
    if not isinstance(value, (int, np.integer)):
        raise FormatError(f"{path}: {item.name}, attribute {name!r}", "must be an integer")
    return int(value)


def _text_attribute(item: h5py.Group, name: str, path: str) -> str:
    value = item.attrs.get(name)
    where = f"{path}: {item.name}, attribute {name!r}"
    if not isinstance(value, (bytes, np.bytes_)):
        raise FormatError(where, "must be a fixed-length string")
    return _text(value, where)


def _text(value: Any, where: str = "") -> str:
    if isinstance(value, str):
        return value
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        raise FormatError(where, "is no utf-8 text") from None


def _json(array: Array, where: str) -> dict[str, Any]:
    if array.dtype != np.uint8:
        raise FormatError(where, f"must be bytes of JSON, is {array.dtype}")
    try:
        data = json.loads(array.tobytes())
    except (ValueError, RecursionError):
        raise FormatError(where, "is no JSON text") from None
    if not isinstance(data, dict):
        raise FormatError(where, "must be a JSON object")
    return data


def _only(group: h5py.Group, members: set[str], attributes: set[str], path: str) -> None:
    """Unknown fields are an error, so that nothing in a file is ever ignored."""
    for kind, found, known in (
        ("", set(group), members),
        ("attribute ", set(group.attrs), attributes),
    ):
        if unknown := sorted(found - known):
            raise FormatError(f"{path}: {group.name}", f"has an unknown {kind}{unknown[0]!r}")


def _shown(value: Any) -> str:
    return "missing" if value is None else repr(value)[:60]
