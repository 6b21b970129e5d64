"""What every node of a NIR file means, step by step, against its equation in plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from nir_graphs import DT, FIELDS, NEURONS, chain, neuron, node, recurrent

from bidl_sim import Simulator, netx
from bidl_sim.errors import FormatError
from bidl_sim.netx.nir.file import Graph, write
from bidl_sim.netx.nir.reading import to_network

STEPS = 40


def run(graph: Graph, values, **options):
    sim = Simulator(to_network(graph, **{"dt": DT, **options}), dtype="float64")
    return sim.run(values, progress=False)


@pytest.fixture
def values(rng):
    return rng.normal(0.6, 1.0, (STEPS, 3))


def expected(
    kind, values, reset="value", method="euler", if_gain="per_step",
    max_spikes=1, v_min=None, compare="gt",
):  # fmt: skip
    """The equations of a node in a loop over time."""
    f = {name: np.array(value) for name, value in FIELDS.items()}
    v, i, sent = np.zeros(3), np.zeros(3), []
    for x in values:
        if kind in ("I", "IF"):
            v = v + f["r"] * x * (DT if if_gain == "dt" else 1)
        else:
            tau, drive = f["tau_mem"] if "Cuba" in kind else f["tau"], x
            if "Cuba" in kind:
                i = i + DT / f["tau_syn"] * (-i + f["w_in"] * x)
                drive = i
            goal = f["v_leak"] + f["r"] * drive
            kept = np.exp(-DT / tau) if method == "exp" else 1 - DT / tau
            v = goal + (v - goal) * kept
        if "F" not in kind:
            sent.append(v)
            continue
        s = (v >= f["v_threshold"]) if compare == "ge" else (v > f["v_threshold"])
        if max_spikes > 1:
            s = np.clip(np.floor(v / f["v_threshold"]), 0, max_spikes)
        s = s.astype(float)
        v = v - s * f["v_threshold"] if reset == "subtract" else np.where(s > 0, f["v_reset"], v)
        v = v if v_min is None else np.maximum(v, v_min * f["v_threshold"])
        sent.append(s)
    return np.array(sent)


MEANINGS = [
    {},
    {"method": "exp", "reset": "subtract"},
    {"reset": "subtract", "max_spikes": np.inf, "v_min": -1.0, "compare": "ge"},
    {"max_spikes": 2, "v_min": 0.5, "if_gain": "dt"},
]


@pytest.mark.filterwarnings("ignore:.*neither 1 nor 1/dt")
@pytest.mark.parametrize("options", MEANINGS, ids=lambda o: "-".join(o) or "default")
@pytest.mark.parametrize("kind", NEURONS)
def test_a_neuron_follows_its_equation(kind, options, values) -> None:
    found = run(chain((3,), neuron(kind)), 100 * values if kind == "IF" else values, **options)
    wanted = expected(kind, 100 * values if kind == "IF" else values, **options)
    np.testing.assert_allclose(found, wanted, atol=1e-12)  # sums in another order
    assert np.any(found != 0)


def test_a_node_says_its_own_options(values) -> None:
    """The innermost metadata count, and what is given counts more."""
    graph = chain(
        (3,),
        neuron("LIF", metadata={"bidl_reset": "subtract"}),
        metadata={"bidl_method": "exp", "bidl_dt": np.float64(DT), "bidl_reset": "value"},
    )
    found = Simulator(to_network(graph), dtype="float64").run(values, progress=False)
    np.testing.assert_array_equal(found, expected("LIF", values, reset="subtract", method="exp"))
    given = run(graph, values, reset="value", method="euler")
    np.testing.assert_array_equal(given, expected("LIF", values))


def test_without_v_reset_it_is_0(values) -> None:
    fields = {name: FIELDS[name] for name in NEURONS["LIF"] if name != "v_reset"}
    with_zero = node("LIF", **fields, v_reset=np.zeros(3))
    np.testing.assert_array_equal(
        run(chain((3,), node("LIF", **fields)), values), run(chain((3,), with_zero), values)
    )


def test_r_of_one_over_dt_is_a_rate_and_any_other_is_warned_of(values) -> None:
    fields = {"v_threshold": np.ones(3), "v_reset": np.zeros(3)}
    rate, one = (node("IF", r=np.full(3, r), **fields) for r in (1 / DT, 1.0))
    np.testing.assert_array_equal(run(chain((3,), rate), values), run(chain((3,), one), values))
    with pytest.warns(UserWarning, match="neither 1 nor 1/dt"):
        run(chain((3,), node("IF", r=np.full(3, 2.0), **fields)), values)


def test_linear_maps_and_thresholds(values, rng) -> None:
    weight, bias = rng.normal(size=(2, 3)), rng.normal(size=2)
    graph = chain(
        (3,),
        node("Scale", scale=[1.0, 2.0, -0.5]),
        node("Affine", weight=weight, bias=bias),
        node("Linear", weight=np.eye(2) * 2),
        node("Threshold", threshold=[0.1, 0.4]),
        out=(2,),
    )
    wanted = 2 * ((values * [1.0, 2.0, -0.5]) @ weight.T + bias) > [0.1, 0.4]
    np.testing.assert_array_equal(run(graph, values), wanted)


def test_a_delay_is_rounded_to_steps(values) -> None:
    found = run(chain((3,), node("Delay", delay=[0.0, 2.6 * DT, 0.4 * DT])), values)
    np.testing.assert_array_equal(found[:, [0, 2]], values[:, [0, 2]])
    np.testing.assert_array_equal(found[3:, 1], values[:-3, 1])
    assert not found[:3, 1].any()


def test_images(rng) -> None:
    """Padding as a word, groups, windows that are not square; flattening leaves the batch alone."""
    torch = pytest.importorskip("torch")
    f = torch.nn.functional
    weight, bias = rng.normal(size=(4, 2, 3, 5)), rng.normal(size=4)
    window = {"stride": 1, "dilation": [1, 1], "groups": np.int64(2)}
    graph = chain(
        (4, 8, 9),
        node("Conv2d", weight=weight, bias=bias, padding="same", input_shape=[8, 9], **window),
        node("SumPool2d", kernel_size=[2, 3], stride=[2, 3], padding=[0, 1]),
        node("AvgPool2d", kernel_size=[3, 3], stride=[1, 2], padding=[1, 1]),
        node("Flatten", start_dim=1, end_dim=-1, input_type=[4, 4, 2]),
        node("Conv1d", weight=rng.normal(size=(3, 4, 2)), bias=np.zeros(3), padding="valid",
             stride=[2], dilation=3, groups=1, input_shape=8),
        out=(3, 3),
    )  # fmt: skip
    x = rng.normal(size=(2, 5, 4, 8, 9))
    y = torch.tensor(x).flatten(0, 1)
    y = f.conv2d(y, torch.tensor(weight), torch.tensor(bias), padding="same", groups=2)
    y = 6 * f.avg_pool2d(y, (2, 3), (2, 3), (0, 1))
    y = f.avg_pool2d(y, 3, (1, 2), 1).flatten(2)
    y = f.conv1d(y, torch.tensor(graph.nodes["n4"].array("weight")), stride=2, dilation=3)
    found = run(graph, x)
    np.testing.assert_allclose(found, y.numpy().reshape(found.shape), atol=1e-12)


def test_shapes_that_are_declared_wrong_are_warned_of(values) -> None:
    graph = chain((3,), neuron("LI"), out=(1, 1, 1))
    with pytest.warns(UserWarning, match=r"output/shape: is \(1, 1, 1\), but \(3,\) arrives"):
        run(graph, values)


# -- loops and graphs in graphs -------------------------------------------------------------------


def loop_of(values, weight, bias):
    """LIF with a recurrent affine map, one step later; the bias comes a step later too."""
    f = {name: np.array(value) for name, value in FIELDS.items()}
    v, back, sent = np.zeros(3), np.zeros(3), []
    for x in values:
        v = v + DT / f["tau"] * ((f["v_leak"] - v) + f["r"] * (x + back))
        s = (v > f["v_threshold"]).astype(float)
        v = np.where(s > 0, f["v_reset"], v)
        back = weight @ s + bias
        sent.append(s)
    return np.array(sent)


@pytest.mark.parametrize("order", [1, -1])
def test_a_loop_takes_one_step_behind_its_weight(order, values, rng) -> None:
    weight, bias = rng.normal(size=(3, 3)), np.full(3, 0.5)
    inner = {"input": node("Input", shape=(3,)), "output": node("Output", shape=(3,))}
    edges = (("input", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "output"))
    nodes = {**inner, **recurrent(weight, bias)}
    flat = Graph("a.nir: /node", nodes, edges[::order])
    wanted = loop_of(3 * values, weight, bias)
    assert 0 < wanted.mean() < 1
    np.testing.assert_array_equal(run(flat, 3 * values), wanted)
    nested = chain((3,), Graph("a.nir: /node/nodes/n0", nodes, edges))
    np.testing.assert_array_equal(run(nested, 3 * values), wanted)


def test_a_delay_on_a_loop_counts_beside_its_step(values, rng) -> None:
    weight = rng.normal(size=(3, 3))
    nodes = {
        "input": node("Input", shape=(3,)),
        "lif": neuron("LIF"),
        "rec": node("Linear", weight=weight),
        "wait": node("Delay", delay=np.full(3, 2 * DT)),
    }
    edges = (("input", "lif"), ("lif", "rec"), ("rec", "wait"), ("wait", "lif"))
    net = to_network(Graph("a.nir: /node", nodes, edges), dt=DT)
    sim = Simulator(net, dtype="float64")
    spikes, back = sim.probe("lif.s_out"), sim.probe("lif.a_in")
    sim.run(3 * values, progress=False)
    arrived = back.data - 3 * values
    np.testing.assert_allclose(arrived[3:], spikes.data[:-3] @ weight.T, atol=1e-12)
    assert not arrived[:3].any()


def test_two_populations_that_drive_each_other_are_both_late(values) -> None:
    """No order of names or edges prefers one of them."""
    nodes = {
        "input": node("Input", shape=(3,)),
        **{name: neuron("LIF") for name in "ab"},
        **{f"{name}_w": node("Linear", weight=np.eye(3)) for name in "ab"},
    }
    edges = (
        *(("input", name) for name in "ab"),
        *((name, f"{name}_w") for name in "ab"),
        ("a_w", "b"),
        ("b_w", "a"),
    )
    sim = Simulator(to_network(Graph("a.nir: /node", nodes, edges), dt=DT), dtype="float64")
    a, b = sim.probe("a.s_out"), sim.probe("b.s_out")
    sim.run(values, progress=False)
    np.testing.assert_array_equal(a.data, b.data)


# -- what is refused -------------------------------------------------------------------------------


def graph_with(**changes) -> Graph:
    good = chain((3,), neuron("LIF"))
    fields = {"nodes": dict(good.nodes), "edges": good.edges, **changes}
    return Graph(good.where, **fields)


NODES = graph_with().nodes
TWO_INPUTS = Graph(
    "inner",
    {**{n: node("Input", shape=(3,)) for n in "ab"}, "c": node("Output", shape=(3,))},
    (("a", "c"), ("b", "c")),
)
REFUSED = {
    "different shapes": (
        chain((3,), node("Scale", scale=[1.0, 2.0])),
        r"weight: must be one number, of shape \(3,\) .* got \(2,\)",
    ),
    "fields of different shapes": (
        chain((3,), node("LI", tau=[1.0, 2.0], r=[1.0], v_leak=[0.0])),
        r"li: its fields are not all of one shape: tau \(2,\), r \(1,\)",
    ),
    "a time constant of 0": (
        chain((3,), node("LI", tau=[0.0] * 3, r=[1.0] * 3, v_leak=[0.0] * 3)),
        "tau: must be > 0",
    ),
    "several maps at once": (
        chain((3,), node("Linear", weight=np.ones((2, 3, 3)))),
        r"linear/weight: must be \(outputs, inputs\), is of shape \(2, 3, 3\)",
    ),
    "an unknown option": (
        chain((3,), neuron("LIF"), metadata={"bidl_colour": "red"}),
        "metadata/bidl_colour: is unknown; known: bidl_dt",
    ),
    "an option out of bounds": (
        chain((3,), neuron("LIF", metadata={"bidl_reset": "never"})),
        "metadata/bidl_reset: must be 'value' or 'subtract', got 'never'",
    ),
    "an edge into an Input": (
        graph_with(edges=(("n0", "input"),)),
        "'n0' -> 'input': leads to the Input 'input'",
    ),
    "an edge out of an Output": (
        graph_with(edges=(("output", "n0"),)),
        "'output' -> 'n0': leads from the Output 'output'",
    ),
    "a graph with two inputs": (
        chain((3,), TWO_INPUTS),
        "'input' -> 'n0': 'n0' has 2 Input nodes, wanted one",
    ),
    "a path that means two nodes": (
        graph_with(nodes={**NODES, "g": TWO_INPUTS, "g.c": NODES["n0"]}),
        "'g.c' is there twice",
    ),
    "a delay below 0": (chain((3,), node("Delay", delay=[-1.0] * 3)), "delay: is .* out of bounds"),
    "a delay without end": (
        chain((3,), node("Delay", delay=[1e9] * 3)), "delay: is .* out of bounds"
    ),
    "an unknown padding": (
        chain((1, 4), node("Conv1d", weight=np.ones((1, 1, 2)), bias=[0.0], stride=1,
                           padding="full", dilation=1, groups=1)),
        "conv1d/padding: must be numbers, 'same' or 'valid', is 'full'",
    ),
    "padding on one side": (
        chain((1, 4), node("Conv1d", weight=np.ones((1, 1, 2)), bias=[0.0], stride=1,
                           padding="same", dilation=1, groups=1)),
        "'same' of the even kernel",
    ),
    "a stride of 0": (
        chain((1, 4, 4), node("SumPool2d", kernel_size=[2, 2], stride=[0, 2], padding=[0, 0])),
        "sumpool2d: .*stride: must be at least 1",
    ),
    "a stride of numbers that are not whole": (
        chain((1, 4, 4), node("SumPool2d", kernel_size=[2, 2], stride=[0.5, 2], padding=[0, 0])),
        r"sumpool2d/stride: must be 2 whole number\(s\), is \[0.5, 2.0\]",
    ),
    "nothing that leads to a map": (
        graph_with(nodes={**NODES, "lost": node("Linear", weight=np.eye(3))}),
        "lost.s_in: nothing is connected",
    ),
    "an image without end": (
        chain((1, 10**6, 10**6), neuron("LI")), "receives values of shape"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_means_nothing_is_refused_by_name(name, tmp_path) -> None:
    graph, text = REFUSED[name]
    with pytest.raises(FormatError, match=text) as caught:
        to_network(graph, dt=DT)
    assert "\n" not in str(caught.value)


def test_a_timestep_in_the_file_will_do(tmp_path, values) -> None:
    write(chain((3,), neuron("LI"), metadata={"bidl_dt": np.float64(DT)}), tmp_path / "a.nir")
    found = Simulator(netx.load(tmp_path / "a.nir"), dtype="float64").run(values, progress=False)
    np.testing.assert_allclose(found, expected("LI", values), atol=1e-12)
