"""The native format: what it holds, that it is deterministic, and what it refuses."""

from __future__ import annotations

import json
import time

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidl_sim import Network, Process, Ref, Simulator, netx
from bidl_sim.core.port import Out, Signal
from bidl_sim.errors import FormatError, ParameterError
from bidl_sim.processes import (
    LIF,
    Add,
    BatchNorm,
    Callback,
    Conv2d,
    Dense,
    Flatten,
    Input,
    Poisson,
    Sink,
    TimeMean,
)


def residual(name: str) -> Network:
    net = Network(name=name)
    fan, conv, lif, add = (
        net.add(Add(), "fan"),
        net.add(Conv2d(2, 2, 3, padding=1), "conv"),
        net.add(LIF(alpha=[0.5, 0.6], learn=("alpha", "v_th")), "lif.with.dots"),
        net.add(Add(), "add"),
    )
    for source, target in ((fan, conv), (conv, lif), (lif, add), (fan, add)):
        net.connect(source, target)
    net.expose(fan.s_in)
    net.expose(add.a_out)
    return net


def everything() -> Network:
    """Nesting, a loop with delay, two inputs, two outputs, learned parameters, initial values."""
    net = Network(seed=11)
    image, noise = net.add(Input((2, 5, 5)), "image"), net.add(Poisson(4, rate=0.2), "noise")
    block = net.add(residual("block"))
    norm, flat = net.add(BatchNorm()), net.add(Flatten())
    dense = net.add(Dense(50, 4, bias=False), "dense")
    lif = net.add(LIF(initial={"v": [0.1, 0.2, 0.3, 0.4]}, reset="soft"), "out")
    back = net.add(Dense(4, 4), "back")
    for source, target in ((image, block), (block, norm), (norm, flat), (flat, dense)):
        net.connect(source, target)
    net.connect(dense, lif)
    net.connect(noise, lif)
    net.connect(lif, back)
    net.connect(back, lif, delay=3)
    net.connect(lif, net.add(Sink(), "spikes"))
    net.connect(net.connect(lif, net.add(TimeMean())).target.process, net.add(Sink(), "rate"))
    return net


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.net"
    netx.save(everything(), path, metadata={"classes": ["a", "ü"], "nested": {"x": [1, 2.5, None]}})
    return path


def test_everything_comes_back(model, rng) -> None:
    net, loaded = everything(), netx.load(model)
    assert loaded.seed == 11
    assert list(loaded.build().processes) == list(net.build().processes)
    assert loaded.build().edges == net.build().edges
    assert loaded.build().signals == net.build().signals
    x = rng.normal(size=(3, 9, 2, 5, 5))
    one, two = (Simulator(n, dtype="float64").run(x) for n in (net, loaded))
    for name in ("spikes", "rate"):
        np.testing.assert_array_equal(one[name], two[name])
    lif = loaded.processes["block"].processes["lif.with.dots"]
    assert lif.learned == ("alpha", "v_th")
    report = netx.verify(model)
    assert report.ok, str(report)


def test_equal_networks_give_equal_bytes(model, tmp_path) -> None:
    time.sleep(1.1)  # a time stamp of seconds would show
    meta = {"nested": {"x": [1, 2.5, None]}, "classes": ["a", "ü"]}
    netx.save(everything(), tmp_path / "again.net", metadata=meta)
    assert (tmp_path / "again.net").read_bytes() == model.read_bytes()


def test_info_tells_what_is_inside(model) -> None:
    info = netx.info(model)
    assert info.inputs == {"image": (2, 5, 5)}
    assert info.outputs == {"spikes": (4,), "rate": (4,)}
    rows = {row.path: row for row in info.processes}
    assert rows["block.conv"].parameters == 2 * 2 * 9 + 2
    # 5x5 with padding: 9 windows inside, 6 at an edge, 4 in a corner, two channels in and out
    assert rows["block.conv"].synapses == 2 * 2 * (9 * 9 + 12 * 6 + 4 * 4)
    assert rows["dense"].synapses == 200
    assert info.neurons == 54
    assert info.metadata["classes"] == ["a", "ü"]
    assert json.loads(json.dumps(info.as_dict()))["totals"]["neurons"] == 54
    assert "\n  lif.with.dots  " in str(info)


def test_the_version_is_checked(model) -> None:
    with h5py.File(model, "a") as file:
        file.attrs["version"] = np.int64(99)
    with pytest.raises(FormatError, match=r"attribute 'version': is 99, .* reads 1"):
        netx.load(model)


def test_an_option_of_another_format_is_refused(model) -> None:
    with pytest.raises(ParameterError, match=r"netx\.load, pipeline: is no option"):
        netx.load(model, pipeline=True)


class Reader(Process):
    """Refers to a process of another network."""

    a_out = Out()
    seen = Ref()

    def infer(self, inputs):
        return {"a_out": Signal((4,))}

    def step(self, seen):
        return seen * 1


def test_a_reference_comes_back(tmp_path) -> None:
    net = everything()
    reader = net.add(Reader(), "reader")
    reader.ports["seen"].connect(net.processes["out"], "v")
    netx.save(net, tmp_path / "a.net")
    process, variable = netx.load(tmp_path / "a.net").processes["reader"].ports["seen"].target
    assert (process.name, variable) == ("out", "v")


def test_what_no_file_can_say_is_refused_by_name(tmp_path) -> None:
    net = Network.sequential(Input(2), Callback(lambda t, x: x, 2, name="world"))
    with pytest.raises(FormatError, match=r"Callback 'world' .*, function: holds a function"):
        netx.save(net, tmp_path / "a.net")
    net = everything()
    inner = net.processes["block"].processes["conv"]
    reader = net.add(Reader(), "reader")
    reader.ports["seen"].connect(inner, "weight")
    with pytest.raises(FormatError, match="refers to a process of another network"):
        netx.save(net, tmp_path / "a.net")
    with pytest.raises(FormatError, match="metadata: must be what JSON can say"):
        netx.save(everything(), tmp_path / "a.net", metadata={"x": object()})
    with pytest.raises(ParameterError, match="takes a network"):
        netx.save("net", tmp_path / "a.net")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_leaves_the_old_file(model) -> None:
    before = model.read_bytes()
    with pytest.raises(FormatError):
        netx.save(Network.sequential(Input(2), Callback(lambda t, x: x, 2)), model)
    assert model.read_bytes() == before
    assert [p.name for p in model.parent.iterdir()] == ["model.net"]


# -- networks and files by chance ----------------------------------------------------------------


@st.composite
def networks(draw) -> Network:
    """Layers one after the other, with skips and delayed feedback between equal sizes."""
    net = Network(seed=draw(st.integers(0, 99)))
    width = draw(st.integers(1, 4))
    chain: list[Process] = [net.add(Input(width))]
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["dense", "lif", "norm", "add", "mean"]))
        made: Process
        if kind == "dense":
            out = draw(st.integers(1, 4))
            made, width = Dense(width, out, bias=draw(st.booleans())), out
        elif kind == "lif":
            made = LIF(
                alpha=draw(st.floats(0, 1)),
                v_th=draw(st.floats(0.01, 2)),
                reset=draw(st.sampled_from(["hard", "soft"])),
                output=draw(st.sampled_from(["spike", "pre", "leaked"])),
                norm=draw(st.sampled_from(["none", "membrane"])),
            )
        else:
            made = {"norm": BatchNorm, "add": Add, "mean": TimeMean}[kind]()
        net.connect(chain[-1], net.add(made))
        chain.append(made)
    shapes = net.build().signals
    names = [p.name for p in chain[1:]]
    for _ in range(draw(st.integers(0, 3))):
        a, b = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        out, into = next(iter(net.processes[a].out_ports)), next(iter(net.processes[b].in_ports))
        taken = [c.target for c in net.processes[a].out_ports[out].targets]
        target = net.processes[b].in_ports[into]
        if shapes[f"{a}.{out}"].shape == shapes[f"{b}.{into}"].shape and target not in taken:
            net.connect(net.processes[a], net.processes[b], delay=draw(st.integers(1, 4)))
    if not net.build().outputs:
        net.connect(chain[-1], net.add(Sink()))
    return net


class Drawn:
    """A network, shown with its processes if a test fails."""

    def __init__(self, net: Network) -> None:
        self.net = net

    def __repr__(self) -> str:
        return f"{self.net}: {', '.join(map(str, self.net.processes.values()))}"


@settings(max_examples=60)
@given(networks().map(Drawn), st.integers(0, 5))
def test_any_network_survives_the_file_and_runs_alike_everywhere(
    tmp_path_factory, drawn, seed
) -> None:
    net = drawn.net
    path = tmp_path_factory.mktemp("net") / "a.net"
    netx.save(net, path)
    width = net.build().signals["input1.s_out"].shape[0]
    x = np.random.default_rng(seed).normal(0.3, 1, (2, 7, width))
    report = netx.verify(path, x)
    assert report.ok, f"\n{report}"
    netx.save(netx.load(path), path.with_name("b.net"))
    assert path.read_bytes() == path.with_name("b.net").read_bytes()


@settings(max_examples=150)
@given(st.data())
def test_a_mutated_file_is_refused_or_read_whole(tmp_path_factory, data) -> None:
    """Flipped and cut bytes: a FormatError, or a network that builds; nothing else, ever."""
    folder = tmp_path_factory.mktemp("mutated")
    path = folder / "a.net"
    netx.save(Network.sequential(Input(3), Dense(3, 4), LIF(alpha=[0.1, 0.2, 0.3, 0.4])), path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    path.write_bytes(content)
    reason = ""
    try:
        netx.load(path).build()
    except FormatError as error:
        reason = str(error)
        assert path.name in reason
    assert "\n" not in reason
