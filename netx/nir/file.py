"""NIR files as plain data: nodes and edges, read from hdf5 and written to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import h5py
import numpy as np

from bidl_sim.errors import FormatError
from bidl_sim.netx.guard import open_guarded
from bidl_sim.netx.heap import read_text, read_texts
from bidl_sim.netx.replace import replacing
from bidl_sim.typing import Array, Shape

VERSION = "1.0.8"
"""Of the package ``nir`` whose files these are."""

CONVOLUTION = ("weight", "stride", "padding", "dilation", "groups", "bias", "input_shape")
POOL = ("kernel_size", "stride", "padding")
MEMBRANE = ("tau", "r", "v_leak")
CURRENT = ("tau_syn", "tau_mem", "r", "v_leak", "w_in")
SPIKE = ("v_threshold", "v_reset")

FIELDS: Mapping[str, tuple[str, ...]] = {
    "Input": ("shape",),
    "Output": ("shape",),
    "Affine": ("weight", "bias"),
    "Linear": ("weight",),
    "Scale": ("scale",),
    "Conv1d": CONVOLUTION,
    "Conv2d": CONVOLUTION,
    "SumPool2d": POOL,
    "AvgPool2d": POOL,
    "Flatten": ("start_dim", "end_dim", "input_type"),
    "Delay": ("delay",),
    "Threshold": ("threshold",),
    "I": ("r",),
    "IF": ("r", *SPIKE),
    "LI": MEMBRANE,
    "LIF": (*MEMBRANE, *SPIKE),
    "CubaLI": CURRENT,
    "CubaLIF": (*CURRENT, *SPIKE),
}
"""What a node of each type holds."""

OPTIONAL = ("v_reset", "input_shape", "input_type")
"""What older versions did not write."""

MAX_EDGES = 100_000
LONGEST = 1000
"""Bytes of a name."""


@dataclass(frozen=True)
class Node:
    """A node that is not a graph itself; ``where`` is its place in the file, for messages."""

    where: str
    kind: str
    fields: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def array(self, name: str) -> Array:
        """A field that holds numbers."""
        value = self.fields[name]
        if isinstance(value, str):
            raise FormatError(f"{self.where}/{name}", f"must hold numbers, is {value!r}")
        return np.asarray(value)

    def integers(self, name: str, count: int | None = None) -> Shape:
        """A field with whole numbers; one number stands for ``count``."""
        value = self.array(name)
        whole = value.dtype.kind in "iu" and value.ndim <= 1 and value.size > 0
        if not whole or count not in (None, value.size, count if value.size == 1 else None):
            wanted = "whole numbers" if count is None else f"{count} whole number(s)"
            raise FormatError(f"{self.where}/{name}", f"must be {wanted}, is {shown(value)}")
        numbers = tuple(int(n) for n in value.reshape(-1))
        return numbers * count if count and len(numbers) == 1 else numbers


@dataclass(frozen=True)
class Graph:
    """Nodes by name and the edges between them; a node may be a graph."""

    where: str
    nodes: Mapping[str, Node | Graph]
    edges: tuple[tuple[str, str], ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    version: str = VERSION
    kind: ClassVar[str] = "NIRGraph"

    def of_kind(self, kind: str) -> list[str]:
        """Names of the nodes of a type."""
        return [n for n, v in self.nodes.items() if isinstance(v, Node) and v.kind == kind]


Member: TypeAlias = "Node | Graph"


# -- reading -------------------------------------------------------------------------------------


def read(path: str | Path) -> Graph:
    """Read a file; `FormatError` names the field that is wrong."""
    with open_guarded(path, texts=True, compressed=True) as file:
        if "node" not in file:
            raise FormatError(f"{path}: /node", "is missing", "NIR files have it")
        only(file, ("node", "version"), f"{path}: ")
        version = text(file["version"], f"{path}: /version") if "version" in file else ""
        graph = _member(file["node"], f"{path}: /node")
        if not isinstance(graph, Graph):
            raise FormatError(f"{path}: /node/type", f"must be 'NIRGraph', is {graph.kind!r}")
        return Graph(graph.where, graph.nodes, graph.edges, graph.metadata, version)


def _member(group: Any, where: str) -> Member:
    if not isinstance(group, h5py.Group):
        raise FormatError(where, "must be a group")
    if "type" not in group:
        raise FormatError(f"{where}/type", "is missing")
    kind = text(group["type"], f"{where}/type")
    metadata = _metadata(group["metadata"], where) if "metadata" in group else {}
    if kind == Graph.kind:
        return _graph(group, where, metadata)
    if kind not in FIELDS:
        raise FormatError(
            f"{where}/type", f"is {kind!r}, a node can be NIRGraph, {', '.join(FIELDS)}"
        )
    only(group, ("type", "metadata", *FIELDS[kind]), where)
    for name in FIELDS[kind]:
        if name not in group and name not in OPTIONAL:
            raise FormatError(f"{where}/{name}", f"is missing, {kind} needs it")
    there = [name for name in FIELDS[kind] if name in group]
    fields = {name: _value(group[name], f"{where}/{name}") for name in there}
    return Node(where, kind, fields, metadata)


def _graph(group: h5py.Group, where: str, metadata: dict[str, Any]) -> Graph:
    only(group, ("type", "metadata", "nodes", "edges"), where)
    folder = group.get("nodes")
    if not isinstance(folder, h5py.Group) or not len(folder):
        raise FormatError(f"{where}/nodes", "must be a group of nodes")
    nodes = {name: _member(folder[name], f"{where}/nodes/{name}") for name in folder}
    if "edges" not in group:
        raise FormatError(f"{where}/edges", "is missing")
    return Graph(where, nodes, _edges(group["edges"], f"{where}/edges", nodes), metadata)


def _edges(dataset: Any, where: str, nodes: Mapping[str, Member]) -> tuple[tuple[str, str], ...]:
    if isinstance(dataset, h5py.Dataset) and dataset.size == 0:
        return ()
    is_table = isinstance(dataset, h5py.Dataset) and dataset.shape == (len(dataset), 2)
    if not is_table or not h5py.check_string_dtype(dataset.dtype):
        raise FormatError(where, "must be pairs of names")
    if len(dataset) > MAX_EDGES:
        raise FormatError(where, f"are {len(dataset)}, at most {MAX_EDGES} are read")
    names = read_texts(dataset, where, LONGEST)
    edges = tuple(zip(names[::2], names[1::2], strict=True))
    seen: set[tuple[str, str]] = set()
    for edge in edges:
        for name in edge:
            if name not in nodes:
                raise FormatError(
                    f"{where}: {arrow(edge)}", f"there is no node {name!r}", f"has {named(nodes)}"
                )
        if edge in seen:
            raise FormatError(f"{where}: {arrow(edge)}", "is there twice")
        seen.add(edge)
    return edges


def _metadata(group: Any, where: str, prefix: str = "") -> dict[str, Any]:
    """Texts and numbers by path within the group."""
    where = f"{where}/metadata"
    if not isinstance(group, h5py.Group):
        raise FormatError(where, "must be a group")
    found: dict[str, Any] = {}
    for name, item in group.items():
        if isinstance(item, h5py.Group):
            found |= {f"{name}/{k}": v for k, v in _metadata(item, f"{where}/{name}").items()}
        elif h5py.check_string_dtype(item.dtype):
            words = np.array(read_texts(item, f"{where}/{name}"), dtype=object)
            found[name] = words.reshape(item.shape).tolist()
        else:
            found[name] = item[()]
    return found


def _value(dataset: Any, where: str) -> Any:
    """A text, or finite numbers."""
    if not isinstance(dataset, h5py.Dataset):
        raise FormatError(where, "must be a dataset")
    if h5py.check_string_dtype(dataset.dtype):
        return text(dataset, where)
    if dataset.dtype.kind not in "fiub" or dataset.dtype.itemsize > 8:
        raise FormatError(where, f"holds {dataset.dtype}, wanted numbers")
    value = np.asarray(dataset[()])
    if not np.all(np.isfinite(value)):
        raise FormatError(where, "holds values that are not finite")
    return value


def text(dataset: Any, where: str) -> str:
    """The one text of a dataset."""
    if not isinstance(dataset, h5py.Dataset):
        raise FormatError(where, "must be a text")
    return read_text(dataset, where, LONGEST)


def only(group: h5py.Group, known: tuple[str, ...], where: str) -> None:
    """Refuse members that are not known."""
    for name in group:
        if name not in known:
            raise FormatError(f"{where}/{name}", f"is unknown; known: {', '.join(known)}")


def arrow(edge: tuple[str, str]) -> str:
    """``'a' -> 'b'``."""
    return f"{edge[0]!r} -> {edge[1]!r}"


def named(nodes: Mapping[str, Any]) -> str:
    """The names of a few nodes."""
    names = [*map(repr, nodes)]
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def shown(value: Array) -> str:
    """A few numbers, or the shape of many."""
    return str(value.tolist()) if value.size <= 8 else f"of shape {value.shape}"


# -- writing -------------------------------------------------------------------------------------


def write(graph: Graph, path: str | Path) -> None:
    """Write a file; equal graphs give equal bytes. An old one stays until the new is whole."""
    with replacing(path) as file:
        _write_value(file, "version", graph.version)
        _write_member(file.create_group("node"), graph)


def _write_member(group: h5py.Group, member: Member) -> None:
    for name, value in sorted(member.metadata.items()):
        _write_value(group, f"metadata/{name}", value)
    if isinstance(member, Node):
        _write_value(group, "type", member.kind)
        for name, value in sorted(member.fields.items()):
            _write_value(group, name, value)
        return
    _write_value(group, "type", member.kind)
    edges = np.array(sorted(member.edges), dtype=object).reshape(-1, 2)
    group.create_dataset("edges", data=edges, dtype=h5py.string_dtype())
    for name, inner in sorted(member.nodes.items()):
        _write_member(group.create_group(f"nodes/{name}"), inner)


def _write_value(group: h5py.Group, name: str, value: Any) -> None:
    if isinstance(value, (str, list)):
        group.create_dataset(name, data=value, dtype=h5py.string_dtype())
        return
    array = np.asarray(value)
    packing = "gzip" if math.prod(array.shape) >= 64 else None
    group.create_dataset(name, data=array, compression=packing)
