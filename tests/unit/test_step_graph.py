"""The step graph: one timestep in plain operations, states as loads and saves."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from bidl_sim import Network, Process
from bidl_sim.core.forms import Matrix
from bidl_sim.core.port import In, Out
from bidl_sim.errors import FormatError, StateError
from bidl_sim.netx.step import Node, SavedState, StepGraph, Tensor, dot, folded, step_graph
from bidl_sim.netx.step.module import step_module
from bidl_sim.processes import (
    LIAF,
    LIF,
    BatchNorm,
    Conv2d,
    Dense,
    Flatten,
    Input,
    LIFPlus,
    Neuron,
    Poisson,
    Scale,
    Sink,
    Sparse,
    TimeDecimation,
    TimeMean,
)

SUM = Tensor("sum.1", (3,), "float")
V = Tensor("sum.v", (3,), "float")
X = Tensor("in.s_out", (3,), "float")
LOAD = Node("load", "sum", (), V, {"flag": "sum.v"})
ADD = Node("+", "sum", (V, X), SUM)
SAVE = Node("save", "sum", (SUM,), None, {"flag": "sum.v"})
STATE = SavedState("sum.v", (3,), "float", np.zeros(()))


class Doubled(Process):
    """A linear map that is in no table.

    Ports
    -----
    s_in, a_out : (n,)
    """

    s_in = In()
    a_out = Out()

    def event_form(self, parameters, signal) -> Matrix:
        return Matrix(2 * np.eye(*signal.shape), np.ones(signal.shape))

    def step(self, s_in):
        return 2 * s_in + torch.ones_like(s_in)


class Sorted(Neuron):
    """Neurons whose step is torch's."""

    def step(self, a_in):
        return torch.sort(a_in).values


def graph(*nodes: Node, states: tuple[SavedState, ...] = (STATE,)) -> StepGraph:
    return StepGraph({"in": X}, {"out": SUM}, states, nodes, {"out": True})


def operations(net: Network, path: str) -> list[str]:
    return [node.op for node in step_graph(net).nodes if node.process == path]


def around(*processes: Process) -> Network:
    return Network.sequential(Input((2, 3, 3)), *processes)


def test_a_network_reads_as_what_it_does() -> None:
    net = around(Conv2d(2, 3, 3), LIF(alpha=0.75, v_th=0.5), Flatten(), Dense(3, 2), TimeMean())
    text = str(step_graph(net))
    for line in (
        "one timestep: 5 processes, 3 states",
        "input  input1: float[2, 3, 3]",
        "state  lif1.v: float[3, 1, 1] = 0.0",
        "state  timemean1.t: int[1] = 0",
        "    lif1.s_out float[3, 1, 1] = cmp_and_fire(lif1.1, 0.5)",
        "    lif1.3 float[3, 1, 1] = reset_with_decay(lif1.1, 0.5, 0.0, 0.75, 0.0)",
        "    save lif1.v(lif1.3)",
        "    dense1.a_out float[2] = linear(flatten1.a_out, dense1.weight, dense1.bias)",
        "output timemean1.a_out: float[2] = timemean1.a_out",
        "       timemean1.a_out counts after the last step",
    ):
        assert line in text.splitlines(), text


def test_a_drawing_has_every_operation_and_leads_from_saves_to_loads() -> None:
    found = step_graph(around(LIF(name='a "b"')))
    drawn = dot(found)
    assert drawn.count("[label=") > len(found.nodes)
    assert 'subgraph cluster0 { label="a \\"b\\"";' in drawn
    assert drawn.count("style=dashed") == len(found.states) == 1


@pytest.mark.parametrize(
    ("neuron", "built_in"),
    [
        (LIF(alpha=0.5, beta=0.1, v_reset=-0.2, name="x"), True),
        (LIF(norm="membrane", name="x"), True),
        (LIAF(output="leaked", name="x"), True),
        (LIF(alpha=[0.5, 0.6], name="x"), False),
        (LIF(reset="soft", name="x"), False),
        (LIFPlus(name="x"), False),
    ],
    ids=repr,
)
def test_a_lif_neuron_with_single_numbers_is_two_built_in_operations(neuron, built_in) -> None:
    found = operations(around(neuron), "x")
    assert ("cmp_and_fire" in found, "reset_with_decay" in found) == (built_in, built_in)
    assert (">" in found) == (not built_in)


def test_states_begin_where_they_are_declared_to() -> None:
    start = np.arange(18.0).reshape(2, 3, 3) / 20
    net = around(LIF(initial={"v": start}), LIF(name="b"))
    states = {state.flag: state for state in step_graph(net).states}
    np.testing.assert_array_equal(states["lif1.v"].initial, start)
    assert states["b.v"].initial == 0


def test_delays_are_states_that_hold_what_was_sent() -> None:
    net = Network()
    a, b = net.add(LIF(4, name="a")), net.add(LIF(4, name="b"))
    net.connect(net.add(Input(4)), a)
    net.connect(a, b, delay=3)
    net.connect(b, a, delay=1)
    net.connect(b, net.add(TimeDecimation(2, name="slow")))
    shapes = {state.flag: (state.kind, state.shape) for state in step_graph(net).states}
    assert shapes == {
        "b.s_out.history": ("float", (1, 4)),
        "a.v": ("float", (4,)),
        "a.s_out.history": ("float", (3, 4)),
        "b.v": ("float", (4,)),
        "slow.total": ("float", (4,)),
        "slow.t": ("int", (1,)),
    }


def test_a_linear_map_that_is_in_no_table_is_a_matrix() -> None:
    found = step_graph(Network.sequential(Input(3), Doubled(), LIF()))
    node = next(node for node in found.nodes if node.process == "doubled1")
    assert node.op == "linear"
    np.testing.assert_array_equal(node.inputs[1].value, 2 * np.eye(3))


def test_normalisation_behind_a_synapse_is_folded_into_its_weights(rng) -> None:
    norm = {"weight": [2.0, 3.0], "bias": [0.5, -1.0], "mean": [0.1, 0.2], "var": [1.0, 4.0]}
    weight, bias = rng.normal(size=(2, 2, 3, 3)), rng.normal(size=2)
    found = step_graph(around(Conv2d(2, 2, 3, weight=weight, bias=bias), BatchNorm(**norm), LIF()))
    assert [n.op for n in found.nodes][:3] == ["conv", "*", "+"]
    conv = folded(found).nodes[0]
    assert [n.op for n in folded(found).nodes] == ["conv", *[n.op for n in found.nodes][3:]]
    assert conv.output is not None
    assert conv.output.name == "batchnorm1.a_out"
    scale = np.array([2.0, 3.0]) / np.sqrt(np.array([1.0, 4.0]) + 1e-5)
    np.testing.assert_allclose(conv.inputs[1].value, weight * scale[:, None, None, None])
    np.testing.assert_allclose(
        conv.inputs[2].value, (bias - [0.1, 0.2]) * scale + np.array([0.5, -1.0])
    )


def test_normalisation_of_the_potential_is_folded_to_a_gain_on_the_state(rng) -> None:
    norm = {"norm_weight": [2.0, 3.0], "norm_bias": [0.5, -1.0], "norm_var": [1.0, 4.0]}
    weight = rng.normal(size=(2, 2, 3, 3))
    net = around(Conv2d(2, 2, 3, weight=weight), LIF(norm="membrane", **norm))
    found = folded(step_graph(net))
    ops = [n.op for n in found.nodes]
    assert ops == ["conv", "load", "*", "+", "cmp_and_fire", "reset_with_decay", "save"]
    gain = np.array([2.0, 3.0]) / np.sqrt(np.array([1.0, 4.0]) + 1e-5)
    np.testing.assert_allclose(found.nodes[2].inputs[1].value.ravel(), gain)
    np.testing.assert_allclose(found.nodes[0].inputs[1].value, weight * gain[:, None, None, None])
    modules = [step_module(g, torch.float64) for g in (step_graph(net), found)]
    x = torch.from_numpy(rng.normal(size=(3, 2, 3, 3)))
    v = torch.from_numpy(rng.normal(size=(3, 2, 1, 1)))
    for one, other in zip(*(module(x, v) for module in modules), strict=True):
        torch.testing.assert_close(one, other)


def test_accumulator_and_head_have_a_place() -> None:
    found = step_graph(around(Flatten(), Dense(18, 4), TimeMean(), Dense(4, 3), LIF(), Dense(3, 2)))
    assert found.accumulators == ("timemean1",)
    assert found.head == ("dense2", "lif1", "dense3")
    assert str(found).endswith(
        "accumulator timemean1\nhead dense2, behind an accumulator\n"
        "head lif1, behind an accumulator\nhead dense3, behind an accumulator"
    )
    drawn = dot(found)
    assert '"timemean1 (accumulator)"' in drawn
    assert '"dense3 (head)"' in drawn
    assert '"dense1"' in drawn
    assert not step_graph(around(LIF())).accumulators


def test_what_others_hear_too_is_not_folded() -> None:
    net = Network()
    net.connect(net.add(Input(3)), dense := net.add(Dense(3, 2, bias=False)))
    for name in ("a", "b"):
        net.connect(dense, scale := net.add(Scale([2.0, 3.0], name=name)))
        net.connect(scale, net.add(LIF()))
    found = step_graph(net)
    assert folded(found).nodes == found.nodes
    per_value = step_graph(Network.sequential(Input(3), Dense(3, 2), LIF(), Scale(2.0)))
    assert folded(per_value).nodes == per_value.nodes


def test_what_cannot_be_said_is_refused_by_name() -> None:
    with pytest.raises(FormatError, match=r"Poisson 'p' .*draws random numbers"):
        step_graph(Network.of(Poisson(3, name="p")))
    with pytest.raises(
        FormatError, match=r"Sorted 's' .*no plain operations: torch.*help: write it with"
    ):
        step_graph(around(Sorted(name="s")))
    wide = Sparse.from_pairs(20000, 20000, [0], [1], name="wide")
    with pytest.raises(FormatError, match=r"Sparse 'wide' .*a matrix of 20000 x 20000 weights"):
        step_graph(Network.sequential(Input(20000), wide))


def test_ports_and_states_are_recorded() -> None:
    found = step_graph(around(LIF(name="x")), ["x.a_in", "x.v"])
    assert list(found.outputs) == ["x.a_in", "x.v", "x.s_out"]
    assert found.outputs["x.v"] is found.saved()["x.v"]
    with pytest.raises(StateError, match=r"near: x\.v"):
        step_graph(around(LIF(name="x")), ["x.w"])
    alone = Network()
    alone.connect(alone.add(LIF(3, name="alone")), alone.add(Sink()))
    with pytest.raises(FormatError, match=r"path 'alone\.a_in': is no state, and no"):
        step_graph(alone, ["alone.a_in"])


def test_a_graph_in_order_is_accepted() -> None:
    found = graph(LOAD, ADD, SAVE)
    assert found.saved() == {"sum.v": SUM}
    assert not list(found.constants())


@pytest.mark.parametrize(
    ("nodes", "states", "message"),
    [
        ((LOAD, ADD), (STATE,), "sum.v: must be loaded once, then saved once; got load$"),
        ((LOAD, ADD, SAVE, SAVE), (STATE,), "got load, save, save"),
        ((LOAD, ADD, SAVE), (), "states must have names of their own"),
        ((LOAD, ADD, SAVE), (STATE, STATE), "states must have names of their own"),
        ((ADD, LOAD, SAVE), (STATE,), r"\+ takes 'sum.v' before it is made"),
        ((LOAD, ADD, ADD, SAVE), (STATE,), "'sum.1' is made twice"),
        (
            (LOAD, dataclasses.replace(ADD, inputs=(V, Tensor("sum.v", (), "float"))), SAVE),
            (STATE,),
            "'sum.v' is the name of two tensors",
        ),
        (
            (LOAD, ADD, SAVE),
            (dataclasses.replace(STATE, shape=(2,)),),
            r"sum.v: is float\[2\]; load sum.v and save sum.v\(sum.1\) are not",
        ),
    ],
)
def test_a_graph_out_of_order_is_refused(nodes, states, message) -> None:
    with pytest.raises(FormatError, match=message):
        graph(*nodes, states=states)
