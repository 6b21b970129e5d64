"""NIR files that we write: read again they are the same network, and others read them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from nir_graphs import DT, FIELDS, everything
from nir_protocols import GOLDEN, Protocol

import bidl_sim.processes as bp
from bidl_sim import Network, Simulator, netx
from bidl_sim.errors import FormatError, ParameterError
from bidl_sim.netx.nir.file import Node, read, write
from bidl_sim.netx.nir.reading import to_network
from bidl_sim.netx.nir.writing import to_graph


def same(one, other, skip: str = "bidl_") -> None:
    """Two graphs hold the same numbers, bit for bit; what is ours in the metadata aside."""
    if isinstance(one, Node):
        assert one.kind == other.kind
        assert set(one.fields) <= set(other.fields)
        for name, value in one.fields.items():
            again = np.asarray(other.fields[name])
            assert again.dtype == np.asarray(value).dtype, name
            np.testing.assert_array_equal(again, value, name)
    else:
        assert set(one.edges) == set(other.edges)
        assert set(one.nodes) == set(other.nodes)
        for name, inner in one.nodes.items():
            same(inner, other.nodes[name])
    for key, value in one.metadata.items():
        if not key.startswith(skip):
            np.testing.assert_array_equal(other.metadata[key], value)
            assert np.asarray(other.metadata[key]).dtype == np.asarray(value).dtype


@pytest.mark.parametrize("name", GOLDEN[1:])
def test_published_files_keep_every_number(name, nir_files, tmp_path) -> None:
    protocol = Protocol(nir_files, name)
    netx.save(netx.load(protocol.path, **protocol.options), tmp_path / "a.nir")
    same(read(protocol.path), read(tmp_path / "a.nir"))
    again = netx.load(tmp_path / "a.nir")
    protocol.check(again)
    netx.save(again, tmp_path / "b.nir")
    assert (tmp_path / "a.nir").read_bytes() == (tmp_path / "b.nir").read_bytes()


@pytest.mark.filterwarnings("ignore:.*neither 1 nor 1/dt")
def test_all_nodes_keep_every_number(tmp_path) -> None:
    graph = everything()
    net = to_network(graph, dt=DT, reset="subtract")
    netx.save(net, tmp_path / "a.nir", metadata={"trained": {"accuracy": 0.9}})
    same(graph, read(tmp_path / "a.nir"))
    again = netx.load(tmp_path / "a.nir")
    assert again.metadata["trained"] == {"accuracy": 0.9}
    x = np.random.default_rng(1).normal(1.0, 1.0, (20, 1, 6, 6))
    found, wanted = (Simulator(n).run(x, progress=False) for n in (again, net))
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)
    netx.save(again, tmp_path / "b.nir")
    assert (tmp_path / "a.nir").read_bytes() == (tmp_path / "b.nir").read_bytes()


@pytest.mark.filterwarnings("ignore:.*neither 1 nor 1/dt")
def test_the_package_nir_reads_what_we_write_and_we_what_it_writes(tmp_path) -> None:
    nir = pytest.importorskip("nir")
    netx.save(to_network(everything(), dt=DT), tmp_path / "a.nir")
    nir.write(tmp_path / "b.nir", nir.read(tmp_path / "a.nir"))
    same(read(tmp_path / "a.nir"), read(tmp_path / "b.nir"), skip="nothing")
    netx.save(netx.load(tmp_path / "b.nir"), tmp_path / "c.nir")
    assert (tmp_path / "a.nir").read_bytes() == (tmp_path / "c.nir").read_bytes()


# -- our own networks ------------------------------------------------------------------------------


def own(*processes) -> Network:
    return Network.sequential(bp.Input(4), *processes)


OWN = {
    "LIF": lambda: own(bp.Dense(4, 6), bp.LIF(alpha=0.9, v_th=0.3)),
    "LIF-soft": lambda: own(bp.Dense(4, 6), bp.LIF(alpha=[*np.linspace(0, 0.9, 6)], reset="soft")),
    "LIF-perfect": lambda: own(bp.Dense(4, 6), bp.LIF(alpha=1.0, v_reset=-0.1)),
    "CUBA": lambda: own(bp.Dense(4, 6, bias=False), bp.CUBA(arithmetic="float", bias=0.01)),
    "LeakyIntegrator": lambda: own(bp.Dense(4, 6), bp.LeakyIntegrator(arithmetic="float")),
    "sum": lambda: own(bp.Dense(4, 6), bp.LeakyIntegrator(arithmetic="float", decay=0.0)),
    "masked": lambda: own(bp.Dense(4, 6, mask=np.arange(24).reshape(6, 4) % 2, quantize=(64, 8))),
    "IF": lambda: own(bp.Dense(4, 6), bp.IF(r=3.0, max_spikes=4, v_min=-1.0, reset="subtract")),
    "Delay": lambda: own(bp.Delay([0, 1, 5, 2]), bp.Scale(2.0), bp.RC(), bp.Threshold()),
    "two meanings": lambda: own(
        bp.RCLIF(tau=0.003, v_threshold=0.1, reset="subtract", v_min=-2.0),
        bp.Dense(4, 4),
        bp.CubaLIF(dt=0.002, method="exp", r=9.0, compare="ge"),
    ),
    "Sink": lambda: sunk(),
    "residual": lambda: residual(),
    "nested": lambda: nested(),
    "recurrent": lambda: ring(1),
    "slow ring": lambda: ring(4),
    "late connection": lambda: ring(0, late=3),
}


def sunk() -> Network:
    net = own(bp.Dense(4, 6), bp.LIF())
    net.connect(net.processes["lif1"], net.add(bp.Sink(), "spikes"))
    return net


def outputs(net: Network, x):
    """What a network sends, by any name."""
    out = Simulator(net, dtype="float64").run(x, progress=False)
    return np.stack([out[name] for name in sorted(out)] if isinstance(out, dict) else [out])


def residual() -> Network:
    net = Network()
    source, dense = net.add(bp.Input(4)), net.add(bp.Dense(4, 4))
    add, lif = net.add(bp.Add()), net.add(bp.LIF())
    for a, b in ((source, dense), (source, add), (dense, add), (add, lif)):
        net.connect(a, b)
    return net


def nested() -> Network:
    inside = Network.sequential(bp.Dense(5, 4), bp.LIF(alpha=0.8), name="inside")
    block = Network.sequential(bp.Dense(4, 5), bp.LIF(alpha=0.5), inside, name="block")
    return own(block, bp.Dense(4, 6), bp.LIF())


def ring(steps: int, late: int = 0) -> Network:
    net = Network(seed=3)
    source, dense = net.add(bp.Input(4)), net.add(bp.Dense(4, 6))
    lif = net.add(bp.LIF(alpha=0.9, v_th=0.2))
    net.connect(source, dense)
    net.connect(dense, lif, delay=late)
    if steps:
        back = net.add(bp.Dense(6, 6, name="back"))
        net.connect(lif, back)
        net.connect(back, lif, delay=steps)
    net.connect(lif, net.add(bp.Sink()))
    return net


@pytest.mark.parametrize("name", OWN)
def test_our_own_networks_give_the_same_spikes(name, tmp_path) -> None:
    net = OWN[name]()
    netx.save(net, tmp_path / "a.nir")
    again = netx.load(tmp_path / "a.nir")
    x = np.random.default_rng(2).normal(0.4, 1.0, (3, 30, 4))
    found, wanted = outputs(again, x), outputs(net, x)
    np.testing.assert_allclose(found, wanted, atol=1e-12)  # sums and products in another order
    assert 0 < np.count_nonzero(wanted) < wanted.size or name in (
        "LeakyIntegrator",
        "sum",
        "masked",
    )


def test_a_trained_timestep_is_written(tmp_path) -> None:
    netx.save(own(bp.LIF(alpha=0.75)), tmp_path / "a.nir", dt=0.002)
    lif = netx.load(tmp_path / "a.nir").processes["lif1"]
    assert lif.dt == 0.002
    np.testing.assert_allclose(lif.tau, np.full(4, 0.008), rtol=1e-15)


def exposed_twice() -> Network:
    block = Network(name="block")
    parts = [block.add(bp.LIF(n=4)) for _ in "ab"]
    for part in parts:
        block.expose(part.a_in, f"{part.name}_in")
        block.expose(part.s_out, f"{part.name}_out")
    net = Network()
    source = net.add(bp.Input(4))
    net.add(block)
    for port in block.in_ports.values():
        net.connect(source, port)
    return net


def early_ring() -> Network:
    """The step is before the weight, whose bias then acts in the first step."""
    net = ring(1)
    lif, back = net.processes["lif1"], net.processes["back"]
    for port in (lif.s_out, back.a_out):
        for way in port.targets:
            way.delay = 1 - way.delay
    return net


CANNOT = {
    "a bias that leaks late": (lambda: own(bp.LIF(beta=0.1)), "LIF 'lif1'.*, beta: is not 0"),
    "noise": (lambda: own(bp.LIF(noise=0.1)), "noise: is 0.1, which NIR cannot say"),
    "an analog output": (lambda: own(bp.LIF(output="pre")), "output: is 'pre', which NIR"),
    "a normalised membrane": (lambda: own(bp.LIF(norm="membrane")), "norm: is 'membrane'"),
    "a state that begins elsewhere": (
        lambda: own(bp.IF(initial={"v": 0.3})),
        r"initial\['v'\]: NIR cannot say where a state begins",
    ),
    "a refractory period": (
        lambda: own(bp.CUBA(arithmetic="float", refractory=2)), "refractory: is 2, which NIR"
    ),
    "a chip's numbers": (lambda: own(bp.CUBA()), "arithmetic: is 'fixed', which NIR cannot say"),
    "other neurons": (lambda: own(bp.CurrentLIF()), "CurrentLIF 'currentlif1'.*has no place in"),
    "BatchNorm": (lambda: own(bp.BatchNorm()), "has no place in a NIR file.*fold it"),
    "a mean over time": (lambda: own(bp.TimeMean()), "TimeMean 'timemean1'.*has no place"),
    "an offset": (lambda: own(bp.Scale(1.0, 0.5)), "Scale 'scale1'.*, bias: is not 0"),
    "a sum with a weight": (
        lambda: Network.sequential(bp.Input((1, 4, 4)), bp.SumPool2d(2, weight=0.5)),
        "SumPool2d 'sumpool2d1'.*, weight: is 0.5",
    ),
    "two ports": (exposed_twice, "'input1' -> 'block': 'block' has several ports"),
    "a loop that takes its step early": (early_ring, "'back' -> 'lif1': takes 0 step"),
    "metadata that is no JSON": (
        lambda: noted(own(bp.LIF())), "metadata: must be what JSON can say"
    ),
}  # fmt: skip


def noted(net: Network) -> Network:
    net.metadata = {"note": object()}
    return net


@pytest.mark.parametrize("name", CANNOT)
def test_what_nir_cannot_say_is_refused_by_name(name, tmp_path) -> None:
    make, text = CANNOT[name]
    with pytest.raises(FormatError, match=text):
        netx.save(make(), tmp_path / "a.nir")
    assert not list(tmp_path.iterdir())


def test_options_of_other_formats_are_refused(tmp_path) -> None:
    with pytest.raises(ParameterError, match=r"netx\.save, dt: is no option of bidl_sim files"):
        netx.save(own(bp.LIF()), tmp_path / "a.net", dt=0.1)
    with pytest.raises(ParameterError, match=r"netx\.save, dt: must be seconds > 0"):
        netx.save(own(bp.LIF()), tmp_path / "a.nir", dt=-1)


def test_an_inner_add_where_values_enter_is_its_input() -> None:
    """A nested graph that was read is written with the nodes that it had."""
    graph = everything()
    again = to_graph(to_network(graph, dt=DT, if_gain="dt"))
    last = f"n{len(graph.nodes) - 5}"
    assert again.nodes[last].nodes["input"].kind == "Input"
    assert set(FIELDS) >= set(again.nodes["n9"].fields)
    assert set(again.edges) == set(graph.edges)


def test_edges_and_texts_survive_a_file(tmp_path) -> None:
    graph = replace(everything(), metadata={"words": ["one", "zwölf"], "none": ""})
    write(graph, tmp_path / "a.nir")
    found = read(tmp_path / "a.nir")
    same(graph, found, skip="nothing")
    assert found.version == "1.0.8"
