"""The step graph as a torch module: what it computes is what the simulator computes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from cases import SAID, Case, inputs

from bidl_sim import Network, Simulator
from bidl_sim.errors import FormatError
from bidl_sim.netx.step import Node, SavedState, StepGraph, Tensor, step_graph
from bidl_sim.netx.step.graph import BUILT_IN, ELEMENTWISE, WHOLE
from bidl_sim.netx.step.in_torch import OPERATIONS
from bidl_sim.netx.step.module import initial_states, step_module
from bidl_sim.processes import LIF, Dense, GradedVec, Input, Scale, Sink, TimeMean

STEPS = 12


def run(module, graph: StepGraph, values: np.ndarray | None, dtype: torch.dtype):
    """Outputs ``(batch, time, *shape)``, or of the last step, and the last states by flag."""
    batch = 1 if values is None else len(values)
    states = initial_states(graph, batch, dtype)
    sent = []
    for k in range(STEPS):
        frame = () if values is None else (torch.as_tensor(values[:, k]).to(dtype),)
        output, *states = module(*frame, *states)
        sent.append(output)
    timed = next(iter(graph.timed.values()))
    output = torch.stack(sent, 1) if timed else sent[-1]
    flags = (state.flag for state in graph.states)
    return output.numpy(), dict(zip(flags, states, strict=True))


def test_every_operation_is_said() -> None:
    assert set(OPERATIONS) == {*ELEMENTWISE, *BUILT_IN, *WHOLE}


@pytest.mark.parametrize("case", SAID, ids=lambda c: c.name)
def test_states_and_outputs_are_those_of_the_simulator(case: Case, rng) -> None:
    net = case.network()
    values = inputs(net, rng, steps=STEPS)
    sim = Simulator(net, engine="torch", schedule="timestep", dtype="float64", kernels="eager")
    wanted = sim.run(values, STEPS, progress=False)
    graph = step_graph(net)
    module = step_module(graph, torch.float64)
    found, states = run(module, graph, values, torch.float64)
    np.testing.assert_array_equal(found if values is not None else found[0], wanted)
    for path, state in sim.state_dict().items():
        if path in states:
            np.testing.assert_allclose(
                states[path] if values is not None else states[path][0],
                state if values is not None else state[0],
                rtol=1e-12,
                atol=1e-12,  # sums may be rounded in another order
                err_msg=path,
            )


SCRIPTED = (
    *("Activation", "AvgPool2d-padding", "Conv2d-groups", "ConvTranspose2d-groups", "RF"),
    *("CUBA-refractory", "Delay-per-neuron", "GlobalAvgPool-image", "HodgkinHuxley"),
    *("LIAF-centered", "LIF-membrane-norm", "MaxPool2d-padding", "SigmaDelta-act"),
    *("Sparse-delays", "TemporalLinear", "TimeDecimation"),
)


@pytest.mark.parametrize("case", [c for c in SAID if c.name in SCRIPTED], ids=lambda c: c.name)
def test_it_can_be_scripted(case: Case, rng) -> None:
    net = case.network()
    graph = step_graph(net)
    module = step_module(graph, torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is old, and looks at more than it is told to
        scripted = torch.jit.script(module)
    values = inputs(net, rng, steps=STEPS)
    found = run(scripted, graph, values, torch.float64)[0]
    np.testing.assert_array_equal(found, run(module, graph, values, torch.float64)[0])


def test_those_scripted_use_most_operations() -> None:
    graphs = [step_graph(case.network()) for case in SAID if case.name in SCRIPTED]
    used = {node.op for graph in graphs for node in graph.nodes}
    assert len(graphs) == len(SCRIPTED)
    assert {*WHOLE, *BUILT_IN} - used == {"expand"}


def test_what_is_the_same_for_all_samples_is_sent_to_each(rng) -> None:
    net = Network()
    net.connect(net.add(Input(3)), net.add(Sink(name="moving")))
    net.connect(net.add(GradedVec(3, name="still")), net.add(Sink(name="zeros")))
    graph = step_graph(net)
    x = torch.from_numpy(rng.normal(size=(4, 3)).astype(np.float32))
    results = step_module(graph)(x, *initial_states(graph, 4))
    sent = dict(zip(graph.outputs, results, strict=False))
    assert torch.equal(sent["moving"], x)
    assert torch.equal(sent["zeros"], torch.zeros(4, 3))


def network() -> Network:
    return Network.sequential(
        Input(4), Dense(4, 6), LIF(alpha=0.3, v_th=0.1), Scale(1 / 3), Dense(6, 2), TimeMean()
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_everything_is_in_the_format_asked_for(dtype) -> None:
    graph = step_graph(network())
    module = step_module(graph, dtype)
    assert {x.dtype for x in module.buffers()} == {dtype}
    x = torch.ones(3, 4, dtype=dtype)
    kinds = {"float": dtype, "int": torch.int64}
    results = module(x, *initial_states(graph, 3, dtype))
    assert [y.dtype for y in results] == [dtype, *(kinds[s.kind] for s in graph.states)]
    assert all(len(y) == 3 for y in results)
    third = torch.tensor(0.3, dtype=dtype).item()
    assert f"{third!r}" in module.code


def test_it_can_be_traced_for_any_batch(rng) -> None:
    graph = step_graph(network())
    module = step_module(graph)
    x = torch.from_numpy(rng.normal(size=(5, 4)).astype(np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(module, (x[:1], *initial_states(graph)))
    given = (x, *initial_states(graph, 5))
    for one, other in zip(traced(*given), module(*given), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["torch", "self", "operator", "if", '"', "é", "0", "lif1"])
def test_names_are_no_code(name) -> None:
    net = Network()
    net.connect(net.add(Input(2, name=name + "_")), dense := net.add(Dense(2, 2, name=name)))
    net.connect(dense, net.add(LIF()))
    graph = step_graph(net)
    sent, v = step_module(graph)(torch.ones(1, 2), *initial_states(graph))
    assert sent.shape == v.shape == (1, 2)


def test_numbers_that_the_format_lacks_are_refused() -> None:
    graph = step_graph(Network.sequential(Input(2), LIF(v_th=1e5)))
    with pytest.raises(FormatError, match=r"lif1\.v_th: holds numbers that torch\.float16 cannot"):
        step_module(graph, torch.float16)
    huge = SavedState("a.v", (), "float", np.array(1e39))
    v = Tensor("a.v", (), "float")
    nodes = (
        Node("load", "a", (), v, {"flag": "a.v"}),
        Node("save", "a", (v,), None, {"flag": "a.v"}),
    )
    with pytest.raises(FormatError, match=r"a\.v: holds numbers that torch\.float32 cannot"):
        initial_states(StepGraph({}, {}, (huge,), nodes, {}))


def test_states_can_stay_inside() -> None:
    """As where a chip keeps them: nothing but frames goes in, nothing but outputs comes out."""
    graph = step_graph(Network.sequential(Input(1), LIF(alpha=0.5, v_th=10.0, name="a")))
    instead = {
        "load": lambda node, dtype, initial: initial + 9.5,
        "save": lambda node, dtype, x: torch._assert(x.max() == 0, node.attributes["flag"]),
    }
    module = step_module(graph, torch.float64, instead)
    assert module(torch.ones(1, 1)) == (torch.ones(1, 1),)
    with pytest.raises(AssertionError, match=r"a\.v"):
        module(torch.zeros(1, 1))
