"""Files that a stranger might send: each is refused with one line that names the field."""

from __future__ import annotations

import resource
import shutil

import h5py
import numpy as np
import pytest

from bidl_sim import Network, netx
from bidl_sim.errors import FormatError
from bidl_sim.processes import LIF, Conv2d, Dense, Flatten, Input

DENSE = "network/processes/dense1"


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.net"
    net = Network.sequential(Input((1, 4, 4)), Conv2d(1, 2, 3), LIF(), Flatten(), Dense(8, 2))
    netx.save(net, path)
    return path


def change(path, edit) -> None:
    with h5py.File(path, "a") as file:
        edit(file)


def replace(file: h5py.File, name: str, *args, **kwargs) -> None:
    del file[name]
    file.create_dataset(name, *args, **kwargs)


def external_storage(file: h5py.File) -> None:
    replace(file, f"{DENSE}/parameters/weight", (2, 8), "f4", external=[("/etc/passwd", 0, 64)])


def virtual(file: h5py.File) -> None:
    del file[f"{DENSE}/parameters/weight"]
    layout = h5py.VirtualLayout((2, 8), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "data", (2, 8))
    file.create_virtual_dataset(f"{DENSE}/parameters/weight", layout)


def terabyte(file: h5py.File) -> None:
    replace(file, f"{DENSE}/parameters/weight", (2**20, 2**18), "f4")


def terabyte_chunked(file: h5py.File) -> None:
    replace(file, f"{DENSE}/parameters/weight", (2**20, 2**18), "f4", chunks=(64, 64))


def compressed(file: h5py.File) -> None:
    replace(file, f"{DENSE}/parameters/weight", data=np.zeros((2, 8)), compression="gzip")


def soft_link(file: h5py.File) -> None:
    file["network/processes/extra"] = h5py.SoftLink("/network/processes/dense1")


def external_link(file: h5py.File) -> None:
    file["network/processes/extra"] = h5py.ExternalLink("other.h5", "/")


def cyclic(file: h5py.File) -> None:
    file[f"{DENSE}/network"] = file["network"]


def variable_length(file: h5py.File) -> None:
    file["network"].attrs["seed"] = "text"


def object_reference(file: h5py.File) -> None:
    file["network"].attrs["seed"] = file["network"].ref


HOSTILE = {
    external_storage: "parameters/weight: keeps its data in another file",
    virtual: "parameters/weight: is a virtual dataset",
    terabyte: r"parameters/weight: declares shape \(1048576, 262144\), 1099511627776 bytes",
    terabyte_chunked: "parameters/weight: must be stored contiguously",
    compressed: "parameters/weight: must be stored contiguously",
    soft_link: "processes/extra: is a SoftLink, which is refused",
    external_link: "processes/extra: is a ExternalLink, which is refused",
    cyclic: "is reached twice",
    variable_length: "attribute 'seed': must hold numbers, booleans or fixed-length strings",
    object_reference: "attribute 'seed': must hold numbers",
}


@pytest.mark.parametrize("edit", HOSTILE, ids=lambda f: f.__name__)
def test_what_reaches_outside_or_claims_too_much_is_refused(model, edit) -> None:
    change(model, edit)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for read in (netx.load, netx.info, netx.verify, netx.Runtime):
        with pytest.raises(FormatError, match=HOSTILE[edit]) as caught:
            read(model)
        assert "\n" not in str(caught.value)
        assert str(model) in str(caught.value)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300_000  # kB: nothing of the claimed size was allocated


def test_deep_nesting_is_refused(model) -> None:
    def nest(file: h5py.File) -> None:
        group = file[DENSE]
        for _ in range(500):
            group = group.create_group("network")

    change(model, nest)
    with pytest.raises(FormatError, match="nests too deep"):
        netx.load(model)


def option(name: str, value):
    return lambda file: file[f"{DENSE}/options"].attrs.__setitem__(name, value)


def attribute(where: str, name: str, value):
    return lambda file: file[where].attrs.__setitem__(name, value)


def drop(name: str):
    return lambda file: file.__delitem__(name)


def metadata(value):
    def edit(file: h5py.File) -> None:
        replace(file, "metadata", data=value)

    return edit


WRONG = {
    "unknown type": (
        attribute(DENSE, "type", np.bytes_("Evil")),
        "processes/dense1: .*unknown process type 'Evil'",
    ),
    "near type": (
        attribute(DENSE, "type", np.bytes_("Dens")),
        r"unknown process type 'Dens'\. help: did you mean 'Dense'",
    ),
    "a type as a number": (attribute(DENSE, "type", 3), "attribute 'type': must be a fixed-length"),
    "unknown option": (option("size", 3), "options/size: Dense has no such option"),
    "option of a wrong kind": (option("in_features", 2.5), "in_features: must be a whole number"),
    "option out of range": (option("in_features", 0), "in_features: must be at least 1, got 0"),
    "option as an array": (option("in_features", np.ones((2, 2))), "must be a number, text or"),
    "missing option": (
        lambda f: f[f"{DENSE}/options"].attrs.__delitem__("in_features"),
        "options/in_features: is missing, Dense needs it",
    ),
    "missing weight": (drop(f"{DENSE}/parameters/weight"), "weight: is missing, Dense needs it"),
    "missing group": (drop(f"{DENSE}/parameters"), "/parameters: must be a group, is missing"),
    "metadata in numbers": (metadata([1.0, np.nan]), "metadata: must be bytes of JSON"),
    "metadata of brackets": (
        metadata(np.full(100_000, ord("["), np.uint8)),
        "metadata: is no JSON text",
    ),
    "missing network": (drop("network"), "/network: must be a group"),
    "missing metadata": (drop("metadata"), "/metadata: must be a dataset"),
    "unknown group": (lambda f: f.create_group("extra"), "has an unknown 'extra'"),
    "unknown attribute": (attribute("network", "note", 3), "has an unknown attribute 'note'"),
    "NaN weights": (
        lambda f: f[f"{DENSE}/parameters/weight"].__setitem__((0, 0), np.nan),
        r"processes/dense1: .*weight: must be finite .*, got nan at \[0, 0\]",
    ),
    "a weight of a wrong shape": (
        lambda f: replace(f, f"{DENSE}/parameters/weight", data=np.zeros((8, 2), "f4")),
        r"weight: must have shape \(2, 8\), got \(8, 2\)",
    ),
    "a weight of a wrong dtype": (
        lambda f: replace(f, f"{DENSE}/parameters/weight", data=np.full((2, 8), b"x")),
        "weight: must be real numbers",
    ),
    "a threshold out of its domain": (
        lambda f: replace(f, "network/processes/lif1/parameters/v_th", data=-1.0),
        "v_th: must be > 0, got -1",
    ),
    "a connection to nowhere": (
        lambda f: replace(f, "network/connections/target", data=np.array([b"x.y"] * 4)),
        "connections: input1.s_out -> x.y: there is no process 'x'",
    ),
    "a connection to no port": (
        lambda f: replace(f, "network/connections/target", data=np.array([b"dense1.q"] * 4)),
        "'dense1.q' is no such port; 'dense1' has: s_in, a_out",
    ),
    "a negative delay": (
        lambda f: f["network/connections/delay"].__setitem__(0, -1),
        "delay: must be at least 0, got -1",
    ),
    "a column too short": (
        lambda f: replace(f, "network/connections/delay", data=np.zeros(2, int)),
        "connections: its columns differ in length",
    ),
    "a column missing": (drop("network/connections/delay"), "connections/delay: must be a dataset"),
    "indices that do not count": (attribute(DENSE, "index", 17), "indices of processes are not"),
    "metadata that is no JSON": (
        lambda f: replace(f, "metadata", data=np.frombuffer(b"{", np.uint8)),
        "/metadata: is no JSON text",
    ),
    "metadata that is a list": (
        lambda f: replace(f, "metadata", data=np.frombuffer(b"[1]", np.uint8)),
        "/metadata: must be a JSON object",
    ),
    "text that is no utf-8": (
        attribute(DENSE, "type", np.bytes_(b"\xff\xfe")),
        "attribute 'type': is no utf-8 text",
    ),
    "shapes that do not fit": (
        lambda f: f["network/processes/input1/options"].attrs.__setitem__("shape", [1, 9, 9]),
        r"dense1.*, s_in: takes shape \(8,\), receives \(98,\)",
    ),
    "a parameter nobody knows": (
        lambda f: f[f"{DENSE}/parameters"].create_dataset("loss", data=1.0),
        "parameters/loss: Dense has no such parameter",
    ),
    "a network without its group": (
        attribute(DENSE, "type", np.bytes_("Network")),
        "is a network without a group 'network'",
    ),
    "a foreign format": (attribute("/", "format", np.bytes_("NIR")), "attribute 'format': must be"),
    "an initial value nobody knows": (
        lambda f: f[f"{DENSE}/initial"].create_dataset("v", data=1.0),
        "initial: no state 'v'; has: none",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_content_is_named(model, name) -> None:
    edit, text = WRONG[name]
    change(model, edit)
    with pytest.raises(FormatError, match=text) as caught:
        netx.load(model)
    assert "\n" not in str(caught.value)


def test_a_loop_without_delay_in_a_file_is_refused(model) -> None:
    def edit(file: h5py.File) -> None:
        table = file["network/connections"]
        for name, more in (("source", b"dense1.a_out"), ("target", b"dense1.s_in"), ("delay", 0)):
            replace(table, name, data=np.append(table[name][:], more))

    change(model, edit)
    with pytest.raises(FormatError, match="loop without delay: dense1 -> dense1"):
        netx.load(model)


def test_two_processes_cannot_stand_at_one_place(model) -> None:
    """A hard link gives a process two names."""
    change(model, lambda f: f["network/processes"].__setitem__("again", f[DENSE]))
    with pytest.raises(FormatError, match="is reached twice"):
        netx.load(model)


@pytest.mark.parametrize("keep", [0, 3, 8, 40, 100, 600, 2000, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(model, keep) -> None:
    content = model.read_bytes()
    size = int(keep * len(content)) if isinstance(keep, float) else keep
    model.write_bytes(content[:size])
    with pytest.raises(FormatError, match=r"model\.net: is (no hdf5 file|damaged)"):
        netx.load(model)


def test_what_is_no_file_is_named(tmp_path) -> None:
    with pytest.raises(FormatError, match="does not exist"):
        netx.load(tmp_path / "nothing.net")
    with pytest.raises(FormatError, match="is not a file"):
        netx.load(tmp_path)
    (tmp_path / "text.net").write_text("hello")
    with pytest.raises(FormatError, match="is no hdf5 file"):
        netx.load(tmp_path / "text.net")


def test_a_foreign_hdf5_file_is_named(tmp_path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = [1, 2, 3]
    with pytest.raises(FormatError, match=r"attribute 'format': must be .*, is missing"):
        netx.load(tmp_path / "other.h5")


def test_a_refused_file_stays_as_it_is(model) -> None:
    change(model, attribute(DENSE, "type", np.bytes_("Evil")))
    before = shutil.copy(model, model.with_name("copy.net"))
    with pytest.raises(FormatError):
        netx.load(model)
    assert model.read_bytes() == model.with_name(before.name).read_bytes()


def test_a_shape_that_no_bytes_stand_for_is_refused(tmp_path) -> None:
    """An input has no data in the file, yet what follows it would be allocated."""
    netx.save(Network.sequential(Input((1, 10**6, 10**6)), LIF()), tmp_path / "a.net")
    for read in (netx.load, netx.info, netx.verify):
        with pytest.raises(
            FormatError, match=r"would carry values of shape \(1, 1000000, 1000000\)"
        ):
            read(tmp_path / "a.net")
