"""Layers of lava-dl's .net files, as plain data: read from hdf5 and written to it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bidl_sim.errors import FormatError
from bidl_sim.netx.guard import open_guarded
from bidl_sim.netx.heap import read_text
from bidl_sim.typing import Array, Shape

SIZES = ("inFeatures", "outFeatures")
CHANNELS = ("inChannels", "outChannels", "groups")
WINDOW = ("kernelSize", "stride", "padding", "dilation")
WEIGHTS = ("weight", "weight/real", "weight/imag")
RECURRENT = ("weight_rec", "weight_rec/real", "weight_rec/imag")
BOTH = ("bias", "delay")

MEMBERS: Mapping[str, tuple[str, ...]] = {
    "input": ("weight", "bias"),
    "dense": (*SIZES, *WEIGHTS, *BOTH),
    "dense_rec": (*SIZES, *WEIGHTS, *RECURRENT, *BOTH),
    "conv": (*CHANNELS, *WINDOW, *WEIGHTS, *BOTH),
    "convT": (*CHANNELS, *WINDOW, *WEIGHTS, *BOTH),
    "pool": (*WINDOW, *WEIGHTS, *BOTH),
    "unpool": (*WINDOW, *WEIGHTS, *BOTH),
    "flatten": (),
    "average": (),
}
"""What a layer of each type may hold besides its type, shape and neuron."""

NEURON = (
    *("type", "iDecay", "vDecay", "vThMant", "refDelay", "gradedSpike", "wgtExp", "theta"),
    *("tauRho", "scaleRho", "activation", "sigma_output", "thDecay", "refDecay", "vThStep"),
    *("sinDecay", "cosDecay", "weight_exp", "messageBits"),
)
"""What a neuron may hold."""
TEXTS = ("type", "activation")
"""The members that are texts."""


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes
    ----------
    where
        Its place in the file, for messages.
    kind
        One of `MEMBERS`.
    shape
        Of its output: (channel, height, width), of layers without space also (channel,).
    members
        Its datasets, those of groups by path: ``weight/real``.
    neuron
        Those of its neuron, if it has one.
    """

    where: str
    kind: str
    shape: Shape
    members: Mapping[str, Array]
    neuron: Mapping[str, Any] | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """("",) with one weight, ("/real", "/imag") with a pair."""
        return ("",) if "weight" in self.members else ("/real", "/imag")

    @property
    def out_shape(self) -> Shape:
        """The shape of its output, one axis where there is no space."""
        spatial = self.kind in ("input", "conv", "convT", "pool", "unpool")
        return self.shape if spatial else (math.prod(self.shape),)

    def array(self, name: str) -> Array:
        """A member that must be there."""
        if name not in self.members:
            raise FormatError(self.where, f"a {self.kind} layer without {name!r}")
        return self.members[name]

    def integer(self, name: str) -> int:
        """A member that is one whole number."""
        value = self.array(name)
        if value.size != 1 or value.dtype.kind not in "iu":
            raise FormatError(f"{self.where}/{name}", f"must be a whole number, is {_shown(value)}")
        return int(value.reshape(()))

    def pair(self, name: str) -> tuple[int, int]:
        """A member for height and width."""
        value = self.array(name)
        if value.shape != (2,) or value.dtype.kind not in "iu":
            raise FormatError(f"{self.where}/{name}", f"must be two whole numbers, is {value}")
        return int(value[0]), int(value[1])


@dataclass(frozen=True)
class LavaFile:
    """All layers, and what ``/simulation`` says: Ts and tSample, which no runtime needs."""

    layers: tuple[Layer, ...]
    simulation: Mapping[str, int] = field(default_factory=dict)


def is_lava(file: h5py.File) -> bool:
    """Whether an open file has layers as lava-dl writes them."""
    return isinstance(file.get("layer"), h5py.Group) and "format" not in file.attrs


# -- reading -------------------------------------------------------------------------------------


def read(path: str | Path) -> LavaFile:
    """Read a file; `FormatError` names the member that is wrong."""
    with open_guarded(path, texts=True) as file:
        if not is_lava(file):
            raise FormatError(f"{path}: /layer", "is missing", "lava-dl's files have it")
        _only(file, ("layer", "simulation"), str(path))
        folder = file["layer"]
        numbers = [str(k) for k in range(len(folder))]
        if not numbers or set(folder) != set(numbers):
            raise FormatError(f"{path}: /layer", f"has members {_named(folder)}, wanted 0, 1, ...")
        layers = tuple(_layer(folder[n], f"{path}: /layer/{n}") for n in numbers)
        simulation = {}
        if "simulation" in file:
            given = _datasets(file["simulation"], ("Ts", "tSample"), f"{path}: /simulation")
            simulation = {n: int(np.reshape(value, -1)[0]) for n, value in given.items()}
        return LavaFile(layers, simulation)


def _layer(group: Any, where: str) -> Layer:
    if not isinstance(group, h5py.Group):
        raise FormatError(where, "must be a group")
    if not len(group):
        raise FormatError(where, "is empty", "the block that wrote it cannot be exported there")
    if "type" not in group:
        raise FormatError(where, "has no type", "it is half written")
    kind = _text(group["type"], f"{where}/type")
    if kind not in MEMBERS:
        known = ", ".join(MEMBERS)
        raise FormatError(f"{where}/type", f"is {kind!r}, a layer can be one of {known}")
    neuron = None
    if "neuron" in group:
        neuron = _datasets(group["neuron"], NEURON, f"{where}/neuron")
        if "type" not in neuron:
            raise FormatError(f"{where}/neuron", "has no type")
    members = _datasets(group, ("type", "shape", "neuron", *MEMBERS[kind]), where)
    shape = members.pop("shape", None)
    if shape is None or shape.ndim != 1 or shape.dtype.kind not in "iu" or shape.size not in (1, 3):
        raise FormatError(f"{where}/shape", f"must be 1 or 3 whole numbers, is {_shown(shape)}")
    if np.any(shape < 1) or math.prod(map(int, shape)) > 2**26:
        raise FormatError(f"{where}/shape", f"is {_shown(shape)}, out of bounds")
    del members["type"]
    return Layer(where, kind, tuple(map(int, shape)), members, neuron)


def _datasets(group: Any, known: tuple[str, ...], where: str) -> dict[str, Any]:
    """All datasets of a group by path; texts as such. Finite numbers only."""
    if not isinstance(group, h5py.Group):
        raise FormatError(where, "must be a group")
    found: dict[str, Any] = {}
    for path, dataset in _walk(group, skip="neuron"):
        if path not in known:
            raise FormatError(
                f"{where}/{path}", f"is unknown; known: {', '.join(known)}", "nothing is left out"
            )
        if path in TEXTS:
            found[path] = _text(dataset, f"{where}/{path}")
            continue
        if dataset.dtype.kind not in "fiub":
            raise FormatError(f"{where}/{path}", f"holds {dataset.dtype}, wanted numbers")
        value = np.asarray(dataset[()])
        if not value.size:
            raise FormatError(f"{where}/{path}", "is empty")
        if not np.all(np.isfinite(value)):
            raise FormatError(f"{where}/{path}", "holds values that are not finite")
        found[path] = value
    return found


def _walk(group: h5py.Group, skip: str) -> Iterator[tuple[str, h5py.Dataset]]:
    for name, item in group.items():
        if isinstance(item, h5py.Dataset):
            yield name, item
        elif name != skip:
            yield from ((f"{name}/{inner}", found) for inner, found in _walk(item, ""))


def _only(group: h5py.Group, known: tuple[str, ...], where: str) -> None:
    for name in group:
        if name not in known:
            raise FormatError(f"{where}: /{name}", f"is unknown; known: {', '.join(known)}")


def _text(dataset: Any, where: str) -> str:
    if not isinstance(dataset, h5py.Dataset):
        raise FormatError(where, "must be a text")
    return read_text(dataset, where)


def _named(group: h5py.Group) -> str:
    names = sorted(group)[:8]
    return ", ".join(names) if names else "none"


def _shown(value: Array | None) -> str:
    if value is None:
        return "missing"
    return str(value.tolist()) if value.size <= 8 else f"of shape {value.shape}"


# -- writing -------------------------------------------------------------------------------------


def write_layer(group: h5py.Group, layer: Layer) -> None:
    """Fill an empty group with a layer."""
    group.create_dataset("type", (1,), "S10", layer.kind.encode())
    group.create_dataset("shape", data=np.array(layer.shape, np.int64))
    for name, value in layer.members.items():
        group.create_dataset(name, data=value)
    if layer.neuron is not None:
        inner = group.create_group("neuron")
        for name, value in layer.neuron.items():
            inner.create_dataset(name, data=value)
