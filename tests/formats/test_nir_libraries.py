"""NIR files of other libraries and for them: the same spikes, or a refusal that names the cause."""

from __future__ import annotations

import numpy as np
import pytest
from nir_graphs import chain, node
from nir_protocols import Protocol
from nir_readers import READERS, run

import bidl_sim.processes as bp
from bidl_sim import Network, Simulator, netx
from bidl_sim.errors import FormatError, ParameterError
from bidl_sim.netx.nir.file import Graph, read, write
from bidl_sim.netx.nir.libraries import SOURCES, TARGETS

ANY = {"reset": "subtract", "max_spikes": 2**31 - 1}


def own(*processes, shape=4) -> Network:
    return Network.sequential(bp.Input(shape), *processes)


def dense(neurons) -> Network:
    return own(bp.Dense(4, 6), neurons)


ONE_SPIKE = {
    "LIF": lambda: bp.LIF(alpha=0.9, v_th=0.4),
    "LIF without a leak": lambda: bp.LIF(alpha=1.0, v_th=0.9),
    "RCLIF": lambda: bp.RCLIF(tau=0.01, r=3.0, v_threshold=0.7),
    "RCLIF, r is 1": lambda: bp.RCLIF(tau=0.004, v_threshold=0.2),
    "RCLIF, exactly": lambda: bp.RCLIF(tau=0.01, r=2.0, v_threshold=0.4, method="exp"),
    "IF": lambda: bp.IF(r=0.7, v_threshold=0.9),
    "CubaLIF": lambda: bp.CubaLIF(tau_syn=0.004, r=2.0, w_in=3.0, v_threshold=0.4),
    "CUBA": lambda: bp.CUBA(arithmetic="float", threshold=1.0),
    "at the threshold": lambda: bp.IF(v_threshold=0.5, compare="ge"),
}
MANY_SPIKES = {
    "IF": lambda: bp.IF(r=0.5, v_threshold=0.3, v_min=-1.0, **ANY),
    "RCLIF": lambda: bp.RCLIF(tau=0.01, r=3.0, v_threshold=0.2, **ANY),
    "RCLIF, exactly": lambda: bp.RCLIF(tau=0.01, r=9.0, v_threshold=0.3, method="exp", **ANY),
    "RC": lambda: bp.RC(tau=0.01, r=10.0),
}
CASES = [
    (library, name, make)
    for library in READERS
    for name, make in (MANY_SPIKES if library == "sinabs" else ONE_SPIKE).items()
]


@pytest.mark.parametrize(("library", "name", "make"), CASES, ids=lambda x: x if x else None)
def test_a_library_reads_the_same_spikes(library, name, make, tmp_path) -> None:
    net = dense(make())
    netx.save(net, tmp_path / "a.nir", target=library)
    x = np.random.default_rng(2).normal(0.4, 1.0, (200, 4))
    wanted = Simulator(net, dtype="float64").run(x, progress=False)
    found = run(library, read(tmp_path / "a.nir"), x, "dense1", make().label.lower() + "1")
    np.testing.assert_allclose(found, wanted, atol=1e-9)  # products in another order
    assert 0 < np.count_nonzero(wanted) < wanted.size or name == "RC"
    again = Simulator(netx.load(tmp_path / "a.nir"), dtype="float64").run(x, progress=False)
    np.testing.assert_allclose(again, wanted, atol=1e-9)


@pytest.mark.parametrize("library", ["norse", "snntorch", "spikingjelly"])
def test_a_tie_is_what_it_was(library, tmp_path) -> None:
    """Half of the libraries spike at the threshold, half above it."""
    for compare in ("gt", "ge"):
        net = own(bp.Dense(1, 1, weight=[[0.25]], bias=[0.0]), bp.IF(compare=compare), shape=1)
        netx.save(net, tmp_path / "a.nir", target=library)
        found = run(library, read(tmp_path / "a.nir"), np.ones((8, 1)), "dense1", "if1")
        assert np.flatnonzero(found).tolist() == ([4] if compare == "gt" else [3, 7])


def test_each_has_its_timestep(tmp_path) -> None:
    for library, dt in (("norse", 1e-3), ("sinabs", 1.0), ("snntorch", 1e-4)):
        neurons = bp.RC(dt=0.002, r=10.0) if library == "sinabs" else bp.LIF(alpha=0.5)
        netx.save(dense(neurons), tmp_path / "a.nir", target=library)
        assert netx.load(tmp_path / "a.nir").metadata["nir"]["dt"] == dt
    lif = dense(bp.RCLIF(tau=0.02, dt=0.002))
    netx.save(lif, tmp_path / "a.nir", target="snntorch")
    np.testing.assert_allclose(read(tmp_path / "a.nir").nodes["rclif1"].fields["tau"], 1e-3)
    netx.save(lif, tmp_path / "a.nir", target="norse")
    np.testing.assert_allclose(read(tmp_path / "a.nir").nodes["rclif1"].fields["tau"], 0.02)


def test_sinabs_is_given_biases_of_zero(tmp_path) -> None:
    netx.save(own(bp.Dense(4, 2, bias=False)), tmp_path / "a.nir", target="sinabs")
    assert read(tmp_path / "a.nir").nodes["dense1"].kind == "Affine"


@pytest.mark.parametrize("library", ["norse", "snntorch"])
def test_who_flattens_the_batch_is_warned_of(library, tmp_path) -> None:
    net = own(bp.Flatten(), bp.Dense(4, 2), shape=(1, 2, 2))
    with pytest.warns(UserWarning, match="flattens the batch axis, too; run one sample at a time"):
        netx.save(net, tmp_path / "a.nir", target=library)


def ring() -> Network:
    net = Network()
    source, lif = net.add(bp.Input(4)), net.add(bp.LIF())
    back = net.add(bp.Dense(4, 4, name="back"))
    for way in ((source, lif), (lif, back), (lif, net.add(bp.Sink()))):
        net.connect(*way)
    net.connect(back, lif, delay=1)
    return net


def two_outputs() -> Network:
    net = own(bp.LIF())
    net.connect(net.processes["input1"], net.add(bp.Sink()))
    return net


CANNOT = {
    "a reset that subtracts": ("norse", lambda: own(bp.LIF(reset="soft")), "reset: is 'subtract'"),
    "a reset to a value": ("sinabs", lambda: own(bp.LIF()), "reset: is 'value', in sinabs it is"),
    "a reset elsewhere": ("snntorch", lambda: own(bp.LIF(v_reset=0.1)), "v_reset: is not 0"),
    "many spikes": ("spikingjelly", lambda: own(bp.IF(max_spikes=3)), "max_spikes: is 3"),
    "a bound": ("norse", lambda: own(bp.IF(v_min=-1.0)), "v_min: is -1.0, in norse it is None"),
    "no bound": ("sinabs", lambda: own(bp.IF(**ANY)), "v_min: is None, in sinabs it is -1.0"),
    "a leak to elsewhere": ("snntorch", lambda: own(bp.RCLIF(v_leak=0.1)), "v_leak: is not 0"),
    "a current that leaks": ("norse", lambda: own(bp.CubaLIF(v_leak=0.1)), "v_leak: is not 0"),
    "several thresholds": (
        "snntorch",
        lambda: own(bp.LIF(v_th=[0.1, 0.2, 0.3, 0.4])),
        "v_threshold: must be the same for all neurons in snnTorch",
    ),
    "several leaks": (
        "spikingjelly",
        lambda: own(bp.LIF(alpha=[0.1, 0.2, 0.3, 0.4])),
        "tau: must be the same for all neurons in SpikingJelly",
    ),
    "no memory": ("spikingjelly", lambda: own(bp.LIF(alpha=0.0)), "tau: is not above a timestep"),
    "a sign": ("norse", lambda: own(bp.IF(r=-1.0)), "r: is not above 0. help: put its sign into"),
    "an output in other units": ("sinabs", lambda: own(bp.RC(r=2.0)), "put it into the weights"),
    "an image that leaks": (
        "sinabs",
        lambda: own(bp.RCLIF(**ANY), shape=(1, 2, 2)),
        "is no vector; sinabs fails",
    ),
    "a layer it does not read": (
        "norse",
        lambda: own(bp.AvgPool2d(2), shape=(1, 4, 4)),
        "AvgPool2d 'avgpool2d1'.*: is a AvgPool2d in NIR, norse does not read it. help: has Aff",
    ),
    "neurons it does not read": ("snntorch", lambda: own(bp.RC()), "is a LI in NIR, snnTorch does"),
    "groups": (
        "spikingjelly",
        lambda: own(bp.Conv2d(2, 2, 3, groups=2), shape=(2, 4, 4)),
        "groups: SpikingJelly reads none",
    ),
    "padding of a sum": (
        "norse",
        lambda: own(bp.SumPool2d(2, padding=1), shape=(2, 4, 4)),
        "padding: norse sums without padding",
    ),
    "a loop": ("snntorch", ring, "'back' -> 'lif1': closes a loop; snnTorch reads none"),
    "two outputs": ("norse", two_outputs, "has 2 Outputs, norse reads one"),
    "a network within": (
        "norse",
        lambda: own(Network.sequential(bp.LIF(), bp.Dense(4, 4), name="block")),
        "norse reads no graph within a graph",
    ),
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_a_library_cannot_read_is_refused_by_name(name, tmp_path) -> None:
    library, make, text = CANNOT[name]
    with pytest.raises(FormatError, match=text):
        netx.save(make(), tmp_path / "a.nir", target=library)
    assert not list(tmp_path.iterdir())


def test_an_unknown_library_is_refused_with_the_way_out(tmp_path) -> None:
    with pytest.raises(ParameterError, match=r"target: must be one of norse, sinabs, .*'brian'$"):
        netx.save(own(bp.LIF()), tmp_path / "a.nir", target="brian")
    with pytest.raises(ParameterError, match="format='lava-dl'"):
        netx.save(own(bp.LIF()), tmp_path / "a.nir", target="lava-dl")
    assert set(TARGETS) == set(SOURCES) == set(READERS)


# -- files that they wrote -------------------------------------------------------------------------


def loaded(tmp_path, graph, **options) -> Network:
    write(graph, tmp_path / "a.nir")
    return netx.load(tmp_path / "a.nir", **options)


def spikes(net: Network, x):
    return Simulator(net, dtype="float64").run(x, progress=False)


X = np.random.default_rng(4).normal(0.6, 1.0, (60, 2))
LEAK = {"r": [1.0, 1.0], "v_leak": [0.0, 0.0]}
SPIKE = {"v_threshold": [1.0, 1.0], "v_reset": [0.0, 0.0]}


def test_norse_writes_times_as_multiples_of_dt(tmp_path) -> None:
    """Its LIFBox with tau_mem_inv=100 is in the file with tau = 1e-5."""
    lif = node("LIF", tau=[1e-5, 1e-5], **LEAK, **SPIKE)
    net = loaded(tmp_path, chain((1, 2), lif), source="norse")
    assert net.processes["input"].shape == (2,)  # without the batch
    assert net.processes["n0"].dt == 1e-3
    np.testing.assert_allclose(net.processes["n0"].tau, [0.01, 0.01])

    times = {"tau_syn": [5e-6, 5e-6], "tau_mem": [1e-5, 1e-5], "w_in": [1.0, 1.0]}
    cuba = node("CubaLIF", **times, **LEAK, **SPIKE)
    net = loaded(tmp_path, chain((1, 2), cuba), source="norse")
    i = v = np.zeros(2)
    wanted = []
    for x in 5 * X:  # its LIFCell
        i = i + x
        v = v + 1e-3 * 100.0 * (0.0 - v + i)
        i = i - 1e-3 * 200.0 * i
        wanted.append(v > 1.0)
        v = np.where(wanted[-1], 0.0, v)
    assert 0 < np.sum(wanted) < X.size
    np.testing.assert_array_equal(spikes(net, 5 * X), wanted)


def test_sinabs_writes_times_in_steps(tmp_path) -> None:
    lif = node("LIF", tau=5.0, r=1.0, v_leak=0.0, v_threshold=1.0)
    wanted, v = [], np.zeros(2)
    for x in X:
        v = np.exp(-1 / 5) * v + x
        wanted.append(np.where(v > 0, np.trunc(v), 0.0))
        v = v - wanted[-1]
    assert np.max(wanted) > 1
    np.testing.assert_array_equal(
        spikes(loaded(tmp_path, chain(2, lif), source="sinabs"), X), wanted
    )


def test_the_published_network_of_sinabs(nir_files) -> None:
    """What sinabs itself makes of the file."""
    protocol = Protocol(nir_files, "cnn_sinabs_seed12.npz")
    protocol.check(netx.load(protocol.path, source="sinabs"))


@pytest.mark.parametrize("tau", [0.0, -1.0])
def test_a_time_that_is_none_is_refused(tau, tmp_path) -> None:
    graph = chain(1, node("LIF", tau=tau, r=1.0, v_leak=0.0, v_threshold=1.0))
    with pytest.raises(FormatError, match="tau: must be > 0"):
        loaded(tmp_path, graph, source="sinabs")


def test_a_bound_of_sinabs_can_be_taken_away(tmp_path) -> None:
    graph = chain(2, node("IF", r=[1.0, 1.0], v_threshold=[1.0, 1.0]))
    held, free = (
        loaded(tmp_path, graph, source="sinabs", **options) for options in ({}, {"v_min": -np.inf})
    )
    assert held.processes["n0"].v_min == -1
    assert free.processes["n0"].v_min is None
    assert spikes(held, X - 1).sum() > spikes(free, X - 1).sum()


def test_snntorch_has_a_timestep_of_its_own(tmp_path) -> None:
    lif = node("LIF", tau=[1e-3, 1e-3], r=[10.0, 10.0], v_leak=[0.0, 0.0], **SPIKE)
    v, wanted = np.zeros(2), []
    for x in X:
        v = 0.9 * v + x
        wanted.append(v > 1)
        v = np.where(wanted[-1], 0.0, v)
    net = loaded(tmp_path, chain(2, lif), source="snntorch")
    np.testing.assert_array_equal(spikes(net, X), wanted)


def test_a_bias_within_a_loop_of_snntorch_acts_at_once(tmp_path) -> None:
    """Its layers feed back what they sent, which is 0 at first, through weights with a bias."""
    lif = node("LIF", tau=[1e-3], r=[10.0], v_leak=[0.0], v_threshold=[1.0], v_reset=[0.0])
    back = node("Affine", weight=[[-0.2]], bias=[0.6])
    ends = {"input": node("Input", shape=(1,)), "output": node("Output", shape=(1,))}
    edges = (("input", "lif"), ("lif", "back"), ("back", "lif"), ("lif", "output"))
    graph = Graph("a.nir: /node", {**ends, "lif": lif, "back": back}, edges)
    x = np.full((5, 1), 0.5)
    assert spikes(loaded(tmp_path, graph, source="snntorch"), x).ravel().tolist() == [1, 0, 1, 0, 1]
    assert spikes(loaded(tmp_path, graph, dt=1e-4), x).ravel().tolist() == [0, 1, 0, 1, 0]


def test_norse_begins_at_the_leak(tmp_path) -> None:
    lif = node("LIF", tau=[1e-5, 1e-5], r=[1.0, 1.0], v_leak=[1.2, 0.4], **SPIKE)
    net = loaded(tmp_path, chain((1, 2), lif), source="norse")
    assert spikes(net, np.zeros((1, 2))).tolist() == [[1.0, 0.0]]


def test_spikingjelly_begins_at_the_reset(tmp_path) -> None:
    reset = {"v_threshold": [1.0, 1.0], "v_reset": [0.5, -0.5]}
    net = loaded(tmp_path, chain(2, node("IF", r=[1e4, 1e4], **reset)), source="spikingjelly")
    assert spikes(net, np.full((1, 2), 0.5)).tolist() == [[1.0, 0.0]]  # at the threshold


def test_what_is_given_counts_more_than_the_source(tmp_path) -> None:
    graph = chain(2, node("LIF", tau=[5.0, 5.0], **LEAK, **SPIKE))
    net = loaded(tmp_path, graph, source="sinabs", reset="value", max_spikes=1, dt=0.5)
    lif = net.processes["n0"]
    assert (lif.reset, lif.max_spikes, lif.method, lif.dt) == ("value", 1, "exp", 0.5)
    with pytest.raises(ParameterError, match="source: must be 'norse' or 'sinabs' or"):
        netx.load(tmp_path / "a.nir", source="nest")
