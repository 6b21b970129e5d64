"""NIR files that a stranger might send: each is refused with one line that names the field."""

from __future__ import annotations

import resource

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nir_graphs import DT, everything

from bidl_sim import netx
from bidl_sim.errors import FormatError
from bidl_sim.netx.nir.file import write

LIF = "node/nodes/n12"
CONV = "node/nodes/n0"


@pytest.fixture
def model(tmp_path):
    write(everything(), tmp_path / "model.nir")
    return tmp_path / "model.nir"


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("nir") / "model.nir"
    write(everything(), path)
    return path.read_bytes()


def replaced(name: str, *args, **kwargs):
    def edit(file: h5py.File) -> None:
        if name in file:
            del file[name]
        file.create_dataset(name, *args, **kwargs)

    return edit


def edges(*pairs):
    def edit(file: h5py.File) -> None:
        table = [*file["node/edges"].asstr()[:].tolist(), *pairs]
        replaced("node/edges", data=table, dtype=h5py.string_dtype())(file)

    return edit


def drop(name: str):
    return lambda file: file.__delitem__(name)


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "data", (3,))
    del file[f"{LIF}/tau"]
    file.create_virtual_dataset(f"{LIF}/tau", layout)


HUGE = {"shape": (2**20, 2**20), "dtype": "f4", "chunks": (2**10, 2**10)}
HOSTILE = {
    "an external link": (
        lambda f: f["node/nodes"].__setitem__("x", h5py.ExternalLink("other.h5", "/")),
        "nodes/x: is a ExternalLink, which is refused",
    ),
    "a soft link": (
        lambda f: f["node/nodes"].__setitem__("x", h5py.SoftLink("/node")),
        "nodes/x: is a SoftLink, which is refused",
    ),
    "a graph within itself": (
        lambda f: f["node/nodes"].__setitem__("x", f["node"]), "is reached twice"
    ),
    "data in another file": (
        replaced(f"{LIF}/tau", (3,), "f8", external=[("/etc/passwd", 0, 24)]),
        "tau: keeps its data in another file",
    ),
    "a virtual dataset": (virtual, "tau: is a virtual dataset"),
    "terabytes without chunks": (
        replaced(f"{CONV}/weight", (2**20, 2**18), "f4"), "weight: declares shape .* more than"
    ),
    "terabytes that are packed": (
        replaced(f"{CONV}/weight", **HUGE, compression="gzip"),
        "weight: declares shape .* more than",
    ),
    "a chunk of gigabytes": (
        replaced(f"{CONV}/weight", (1,), "u1", chunks=(2**30,), maxshape=(None,)),
        "weight: declares shape .* more than",
    ),
    "chunks without number": (
        replaced(f"{CONV}/weight", (2**25,), "u1", chunks=(1,)), "weight: declares shape .* more"
    ),
    "a foreign compression": (
        replaced(f"{CONV}/weight", data=np.zeros(64), chunks=(64,), scaleoffset=4),
        "weight: is compressed in a way that is not part of hdf5",
    ),
    "references": (
        lambda f: replaced(f"{LIF}/tau", data=f.ref, dtype=h5py.ref_dtype)(f),
        "tau: must hold numbers",
    ),
    "an unknown node": (
        replaced(f"{LIF}/type", data="Evil"), "n12/type: is 'Evil', a node can be NIRGraph, Input"
    ),
    "an unknown field": (replaced(f"{LIF}/beta", data=1.0), "n12/beta: is unknown; known: type"),
    "a missing field": (drop(f"{LIF}/tau"), "n12/tau: is missing, LIF needs it"),
    "a missing type": (drop(f"{LIF}/type"), "n12/type: is missing"),
    "no nodes": (drop("node/nodes"), "node/nodes: must be a group of nodes"),
    "no edges": (drop("node/edges"), "node/edges: is missing"),
    "a node that is none": (replaced("node/nodes/x", data=1), "nodes/x: must be a group"),
    "a graph that is a node": (replaced("node/type", data="LIF"), "node/edges: is unknown"),
    "an edge to nowhere": (edges(("n12", "gone")), "'n12' -> 'gone': there is no node 'gone'"),
    "an edge twice": (edges(("n0", "n1")), "'n0' -> 'n1': is there twice"),
    "edges of numbers": (replaced("node/edges", data=np.ones((2, 2))), "must be pairs of names"),
    "edges of three": (
        replaced("node/edges", data=[["a", "b", "c"]], dtype=h5py.string_dtype()),
        "edges: must be pairs of names",
    ),
    "a name without end": (edges(("n0", "x" * 2000)), "edges: declares a text of 2000 bytes"),
    "numbers that are none": (
        replaced(f"{LIF}/tau", data=np.full(3, np.nan)), "tau: holds values that are not finite"
    ),
    "complex numbers": (replaced(f"{LIF}/tau", data=np.ones(3, complex)), "tau: must hold numbers"),
    "a text for numbers": (replaced(f"{LIF}/tau", data="x"), "n12/tau: must hold numbers, is 'x'"),
    "a wrong shape": (replaced(f"{LIF}/tau", data=np.ones(4)), "fields are not all of one shape"),
    "groups that do not divide": (replaced(f"{CONV}/groups", data=3), "n0: .*groups: must divide"),
    "no numbers of groups": (replaced(f"{CONV}/groups", data=[]), "groups: must be 1 whole number"),
    "a shape of nothing": (replaced("node/nodes/input/shape", data=[0]), "input: .*at least 1"),
    "metadata that are no JSON": (
        replaced("node/metadata/bidl_metadata", data="{"), "bidl_metadata: is no JSON object"
    ),
    "another member of the file": (replaced("other", data=1), "/other: is unknown"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*neither 1 nor 1/dt")
@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_or_damaged_is_refused_by_name(name, model) -> None:
    edit, text = HOSTILE[name]
    with h5py.File(model, "a") as file:
        edit(file)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(FormatError, match=text) as caught:
        netx.load(model, dt=DT)
    assert "\n" not in str(caught.value)
    assert str(model) in str(caught.value)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300_000  # kB: nothing of a declared size was allocated


def test_graphs_without_end_are_refused(model) -> None:
    with h5py.File(model, "a") as file:
        group = file["node"]
        for _ in range(500):
            group = group.create_group("nodes/x")
            group["type"] = "NIRGraph"
    with pytest.raises(FormatError, match="nests too deep"):
        netx.load(model, dt=DT)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=60)
@given(data=st.data())
def test_bytes_changed_anywhere_make_a_network_or_one_line(content, tmp_path, data) -> None:
    damaged = bytearray(content[: data.draw(st.integers(0, 2 * len(content)), "length")])
    count = data.draw(st.integers(0, 8), "changes")
    for _ in range(count if damaged else 0):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.nir"
    path.write_bytes(damaged)
    try:
        netx.load(path, dt=DT).build()
    except FormatError as error:
        assert "\n" not in str(error)  # noqa: PT017  # a network is as good
        assert str(path) in str(error)  # noqa: PT017
