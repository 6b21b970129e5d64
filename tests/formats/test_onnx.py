"""Networks as ONNX models: the same spikes in onnxruntime, step by step and as a sequence."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from cases import CASES, NOT_SAID, SAID, Case, inputs
from every_operation import EveryOperation
from exported_networks import fully_connected, whole_numbers

from bidl_sim import Network, Simulator, netx
from bidl_sim.cli import main as bidl
from bidl_sim.core.intrinsics import arctan, erf
from bidl_sim.errors import FormatError, ParameterError, ShapeError, StateError
from bidl_sim.netx.compare import compare
from bidl_sim.netx.runs import OnnxRun, SimulatedRun
from bidl_sim.netx.step import step_graph
from bidl_sim.netx.verify import ROUNDING, TOLERANCE, Row, verify_networks
from bidl_sim.processes import (
    CUBA,
    LIF,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Delay,
    Dense,
    Flatten,
    GradedVec,
    Input,
    LIFPlus,
    Neuron,
    SigmaDelta,
    Sink,
    Sparse,
    TimeMean,
    WeightScaleBatchNorm,
)

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from bidl_sim.netx.onnx.model import sequence_model, step_model
from bidl_sim.netx.onnx.session import Session

STEPS = 12


def in_onnxruntime(model, values: dict[str, np.ndarray]) -> list[np.ndarray]:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, values)


def test_only_these_types_are_not_said() -> None:
    refused = {}
    for case in CASES:
        try:
            step_graph(case.network())
        except FormatError as error:
            refused[case.name] = error.problem
    assert refused.keys() == NOT_SAID.keys()
    for name, reason in NOT_SAID.items():
        assert reason in refused[name]


@pytest.mark.parametrize("case", SAID, ids=lambda c: c.name)
def test_states_and_sequences_are_those_of_the_simulator(case: Case, rng) -> None:
    """Spikes are compared by `verify` in test_processes.py; here it is all that is carried on."""
    net = case.network()
    values = inputs(net, rng, steps=STEPS)
    sim = Simulator(net, engine="torch", schedule="timestep", dtype="float64", kernels="eager")
    wanted = sim.run(values, STEPS, progress=False)
    session = Session(net, "float64")
    found = session.run(values, STEPS)
    np.testing.assert_array_equal(found, wanted)
    for path, state in sim.state_dict().items():
        if path in session.state:
            batched = state if values is not None else state[0]
            assert session.state[path].dtype == state.dtype
            np.testing.assert_allclose(
                session.state[path] if values is not None else session.state[path][0],
                batched,
                rtol=1e-12,
                atol=1e-12,  # sums may be rounded in another order
                err_msg=path,
            )
    if values is not None:
        name = next(iter(session.graph.inputs))
        whole = in_onnxruntime(sequence_model(session.graph, "float64"), {name: values})[0]
        np.testing.assert_array_equal(whole, found)


def demo() -> Network:
    return Network.sequential(
        Input((2, 8, 8)),
        *(Conv2d(2, 6, 3, padding=1), LIF(alpha=0.9, v_th=0.3), AvgPool2d(2)),
        *(Conv2d(6, 8, 3, stride=2), LIF(alpha=0.8, v_th=0.2), Flatten()),
        *(Dense(8, 3), TimeMean()),
    )


def recurrent() -> Network:
    net = Network()
    a, b = net.add(LIF(12, alpha=0.9, v_th=0.4)), net.add(LIF(9, alpha=0.7, v_th=0.3))
    into = net.add(Dense(6, 12))
    net.connect(net.add(Input(6)), into)
    net.connect(into, a, delay=2)
    forth = Sparse.fixed_probability(12, 9, 0.5, weight=0.4, delay=3, seed=1)
    for source, synapse, target, delay in ((a, forth, b, 0), (b, Dense(9, 12), a, 4)):
        net.add(synapse)
        net.connect(source, synapse, delay=delay)
        net.connect(synapse, target)
    net.connect(b, late := net.add(Delay(np.arange(9.0) % 4)))
    net.connect(late, net.add(Sink(name="late")))
    net.connect(a, net.add(Sink(name="early")))
    return net


NETWORKS = {
    "demo": demo,
    "recurrent": recurrent,
    "lif-plus": lambda: fully_connected(
        lambda: LIFPlus(decay="exponential", accumulation="cobe", refractory="relative")
    ),
    "cuba-fixed": lambda: fully_connected(lambda: CUBA(threshold=0.3)),
    "cuba-integer": whole_numbers,
    "sigma-delta": lambda: fully_connected(lambda: SigmaDelta(threshold=0.05, bias=0.1)),
}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_give_the_same_spikes(name, dtype, rng) -> None:
    """By the rule of `verify`: in float64 all of them, in float32 but for rounding."""
    net = NETWORKS[name]()
    circuit = net.build()
    samples = {"input1": rng.poisson(0.7, (4, 20, *circuit.main_signal("input1").shape)) * 1.0}
    neurons = ((path, p) for path, p in circuit.processes.items() if isinstance(p, Neuron))
    spikes = tuple(f"{path}.{p.spikes}" for path, p in neurons)
    reference = SimulatedRun(net, dtype)
    wanted = reference(samples, 20, spikes)
    assert all(0.01 < values.mean() < 0.9 for values in wanted.recorded.values())
    found = OnnxRun(net, dtype, spikes)(samples, 20, spikes)
    difference = compare(wanted, found, reference.judge(samples, 20, ROUNDING))
    assert Row("onnxruntime", dtype, 1.0, difference).ok, difference


@pytest.mark.parametrize("name", NETWORKS)
def test_a_sequence_is_its_steps(name, rng) -> None:
    net = NETWORKS[name]()
    shape = next(iter(step_graph(net).inputs.values())).shape
    values = rng.poisson(0.7, (2, 9, *shape)).astype(np.float64)
    session = Session(net, "float64")
    stepped = session.run(values)
    found = in_onnxruntime(sequence_model(session.graph, "float64"), {"input1": values})
    wanted = list(stepped.values()) if isinstance(stepped, dict) else [stepped]
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert len(np.unique(other)) > 1
        np.testing.assert_array_equal(one, other)


# -- the model -----------------------------------------------------------------------------------


def test_inputs_and_outputs_are_values_and_states() -> None:
    model = step_model(step_graph(demo()))
    onnx.checker.check_model(model, full_check=True)
    shapes = {
        x.name: [d.dim_param or d.dim_value for d in x.type.tensor_type.shape.dim]
        for x in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        "input1": ["batch", 2, 8, 8],
        "lif1.v": ["batch", 6, 8, 8],
        "lif2.v": ["batch", 8, 1, 1],
        "timemean1.total": ["batch", 3],
        "timemean1.t": ["batch", 1],
        "timemean1.a_out": ["batch", 3],
        "lif1.v.next": ["batch", 6, 8, 8],
        "lif2.v.next": ["batch", 8, 1, 1],
        "timemean1.total.next": ["batch", 3],
        "timemean1.t.next": ["batch", 1],
    }


def test_built_in_operations_are_functions_of_the_model() -> None:
    model = step_model(step_graph(demo()))
    assert [(f.domain, f.name) for f in model.functions] == [
        ("bidl_sim", "CmpAndFire"),
        ("bidl_sim", "ResetWithDecay"),
    ]
    called = [node.op_type for node in model.graph.node if node.domain == "bidl_sim"]
    assert called == ["CmpAndFire", "ResetWithDecay"] * 2
    spelled_out = step_model(step_graph(fully_connected(lambda: LIF(reset="soft"))))
    assert not spelled_out.functions
    assert [entry.domain for entry in spelled_out.opset_import] == [""]


def test_states_left_out_are_those_at_the_beginning(rng) -> None:
    net = Network.sequential(Input(3), LIF(initial={"v": [0.1, 0.4, 0.2]}))
    x = np.array([[0.2, 0.2, 0.2]], np.float32)
    found = in_onnxruntime(step_model(step_graph(net)), {"input1": x})
    np.testing.assert_array_equal(found[0], [[0, 1, 0]])
    np.testing.assert_array_equal(found[0], Simulator(net).step(x))


def test_half_precision_is_exact_where_its_numbers_are(rng) -> None:
    """Weights, decays and thresholds are eighths, potentials stay below 128."""
    weights = rng.integers(-8, 16, (5, 4)) / 8
    net = Network.sequential(
        Input(4), Dense(4, 5, weight=weights, bias=False), LIF(alpha=0.5, v_th=0.75), TimeMean()
    )
    x = rng.integers(0, 2, (3, 8, 4)).astype(float)
    session = Session(net, "float16")
    found = session.run(x)
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, Simulator(net, dtype="float64").run(x))


def test_numbers_that_half_precision_lacks_are_refused() -> None:
    net = Network.sequential(Input(2), LIF(v_th=1e5))
    with pytest.raises(FormatError, match=r"lif1\.v_th: holds numbers that float16 cannot"):
        step_model(step_graph(net), "float16")
    with pytest.raises(ParameterError, match=r"dtype: must be of .*got 'int8'"):
        step_model(step_graph(net), "int8")


class SmoothSteps(EveryOperation):
    """Two functions that onnxruntime has in float32 only."""

    def step(self, a_in, n):
        return arctan(a_in) + erf(a_in), n


def test_every_operation_of_a_step(rng) -> None:
    """Within 1e-12 of torch, whose exp and tanh may differ by a rounding."""
    net = Network.sequential(Input(40), EveryOperation())
    x = rng.normal(0.2, 1.0, (2, 10, 40))
    wanted = Simulator(net, dtype="float64", engine="torch").run(x)
    np.testing.assert_allclose(Session(net, "float64").run(x), wanted, rtol=1e-12, atol=1e-12)


def test_what_onnxruntime_lacks_in_double_precision_is_left_out(rng, monkeypatch) -> None:
    net = Network.sequential(Input(40), SmoothSteps())
    x = rng.normal(0.0, 1.0, (3, 40)).astype(np.float32)
    np.testing.assert_allclose(Session(net).run(x), Simulator(net).run(x), rtol=1e-5, atol=1e-6)
    with pytest.raises(FormatError, match=r"onnxruntime: cannot run the model: .*Erf"):
        Session(net, "float64")
    monkeypatch.setattr(sys.modules[Row.__module__], "_runtimes", lambda *_: ())
    report = verify_networks("smooth", net, {})
    found = [(row.runtime, row.dtype) for row in report.rows]
    assert found == [("onnxruntime", "float32"), ("lynxi-emulator", "float16")]
    assert report.ok, f"\n{report}"
    assert len(report.left_out) == 1
    assert report.left_out[0].startswith("onnxruntime in float64: left out, onnxruntime cannot")


def test_a_shift_by_what_is_not_known_is_refused() -> None:
    class Shifting(EveryOperation):
        """Not a number of bits that is known."""

        def step(self, a_in, n):
            return a_in, n >> n

    with pytest.raises(FormatError, match="shifts by a number of bits that is no constant"):
        step_graph(Network.sequential(Input(2), Shifting()))


def test_what_is_the_same_for_all_samples_is_sent_to_each(rng) -> None:
    """A population without input; and two names for one value."""
    net = Network()
    source, still = net.add(Input(3)), net.add(GradedVec(3, name="still"))
    for name in ("one", "two"):
        net.connect(source, net.add(Sink(name=name)))
    net.connect(still, net.add(Sink(name="zeros")))
    x = rng.normal(size=(2, 4, 3)).astype(np.float32)
    found, wanted = Session(net).run(x), Simulator(net, engine="torch").run(x)
    assert found.keys() == wanted.keys()
    for name in found:
        np.testing.assert_array_equal(found[name], wanted[name])


def test_whole_numbers_stay_whole() -> None:
    net = Network.sequential(Input(3, "int"))
    found = Session(net).run(np.array([[2**53 + 1, 0, -3]]))
    assert found.tolist() == [[2**53 + 1, 0, -3]]


def test_a_sequence_needs_an_input() -> None:
    alone = Network.of(LIF(3, alpha=1.0, beta=0.3))
    with pytest.raises(FormatError, match="needs an input that says how long it is"):
        sequence_model(step_graph(alone))
    assert Session(alone).run(steps=8).sum() == 3 * 3
    with pytest.raises(ParameterError, match="steps: must be given: the network has no inputs"):
        Session(alone).run()


def test_names_that_mean_two_things_are_refused() -> None:
    net = Network.sequential(Input(2), LIF(name="a"), Sink(name="a.v"))
    with pytest.raises(FormatError, match=r"ONNX model: .*'a\.v'.*multiple times"):
        step_model(step_graph(net))


def test_a_model_that_no_file_can_hold_is_refused(monkeypatch) -> None:
    monkeypatch.setattr("bidl_sim.netx.onnx.writer.MOST", 1000)
    with pytest.raises(
        FormatError, match=r"conv2d2\.weight: is too much: a file holds 1,000 bytes"
    ):
        step_model(step_graph(demo()))


# -- files and runtimes --------------------------------------------------------------------------


def test_a_model_file_is_the_same_each_time_and_keeps_metadata(tmp_path) -> None:
    net = demo()
    for name in ("a.onnx", "b.onnx"):
        netx.save(net, tmp_path / name, metadata={"note": "ü"})
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    model = onnx.load(tmp_path / "a.onnx")
    assert [(p.key, p.value) for p in model.metadata_props] == [("metadata", '{"note": "\\u00fc"}')]
    assert len(model.graph.input) == 5
    netx.save(net, tmp_path / "c.onnx", sequence=True, dtype="float16")
    assert [x.name for x in onnx.load(tmp_path / "c.onnx").graph.input] == ["input1"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.onnx", "b.onnx", "c.onnx"]


def test_a_folded_model_gives_the_same_spikes(tmp_path, rng) -> None:
    """No potential of these is within rounding of the threshold."""
    norms = [BatchNorm(mean=rng.normal(size=6) / 4), WeightScaleBatchNorm(mean=[0.1, -0.2])]
    net = Network.sequential(
        *(Input((2, 8, 8)), Conv2d(2, 6, 3), norms[0], LIF(v_th=0.2)),
        *(Flatten(), Dense(216, 2), norms[1], LIF(v_th=0.2)),
    )
    netx.save(net, tmp_path / "a.onnx", fold=True, sequence=True, dtype="float64")
    model = onnx.load(tmp_path / "a.onnx")
    x = rng.poisson(0.7, (3, 8, 2, 8, 8)) * 1.0
    found = in_onnxruntime(model, {"input1": x})[0]
    np.testing.assert_array_equal(found, Simulator(net, dtype="float64").run(x))
    assert 0.05 < found.mean() < 0.95


def test_a_model_file_is_not_read(tmp_path) -> None:
    netx.save(demo(), tmp_path / "a.onnx")
    for read in (netx.load, netx.info, netx.Runtime, netx.verify):
        with pytest.raises(FormatError, match=r"a\.onnx: is an ONNX model, which is written and"):
            read(tmp_path / "a.onnx")


def test_a_model_is_converted_and_run_from_the_command_line(tmp_path, monkeypatch, capsys, rng):
    monkeypatch.chdir(tmp_path)
    net = demo()
    netx.save(net, "a.net", metadata={"note": 1})
    assert bidl(["convert", "a.net", "a.onnx"]) == 0
    assert "a.onnx: onnx, 9 processes" in capsys.readouterr().out
    x = rng.poisson(0.5, (2, 5, 2, 8, 8)).astype(np.float32)
    np.save("x.npy", x)
    assert bidl(["run", "a.net", "--input", "x.npy", "--output", "y.npy", "--target", "onnx"]) == 0
    np.testing.assert_allclose(np.load("y.npy"), Simulator(net).run(x), rtol=1e-5, atol=1e-6)


def test_a_runtime_carries_its_state_on_until_it_is_reset(rng) -> None:
    net = recurrent()
    one, two = netx.Runtime(net, "onnx"), netx.Runtime(net)
    x = torch.from_numpy(rng.poisson(0.9, (10, 6)).astype(np.float32))
    first = one.run(x)
    for part in (x[:4], x[4:]):
        wanted = two.run(part)
    assert isinstance(first["early"], torch.Tensor)
    assert torch.equal(first["early"][4:], wanted["early"])
    again = one.run(x)
    assert not torch.equal(again["early"], first["early"])
    one.reset()
    for k, frame in enumerate(x):
        sent = one.step(frame)
        assert all(torch.equal(sent[name], first[name][k]) for name in first)
    with pytest.raises(StateError, match=r"the state belongs to 1 sample\(s\), the input is 2"):
        one.step(torch.zeros(2, 6))
    one.reset()
    with pytest.raises(ShapeError, match="input 'input1': must have shape"):
        one.step(torch.zeros(2, 7))
    with pytest.raises(ParameterError, match="runs in no simulator"):
        _ = one.simulator
