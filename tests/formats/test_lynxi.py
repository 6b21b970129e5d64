"""Exports for the Lynxi chip: the same step on this machine, one manifest, and the limits."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from cases import SAID, inputs
from exported_networks import FILES, NETWORKS, STEPS, copy, digits, frames, recurrent, two_inputs

from bidl_sim import Network, Simulator, netx
from bidl_sim.core.intrinsics import integer
from bidl_sim.core.port import In
from bidl_sim.errors import FormatError, ParameterError, ShapeError, StateError
from bidl_sim.netx import lynxi
from bidl_sim.netx.lynxi import custom_operators, manifest
from bidl_sim.netx.lynxi.limits import check_limits
from bidl_sim.netx.lynxi.script import step_script
from bidl_sim.netx.step import folded, step_graph
from bidl_sim.netx.step.module import initial_states, step_module
from bidl_sim.processes import (
    CUBA,
    LIF,
    ArraySource,
    AvgPool2d,
    Conv2d,
    Dense,
    GlobalAvgPool,
    Input,
    Neuron,
    Population,
    TimeMean,
)

pytest.importorskip("onnx")


SAID_TOO = ("Conv1d-groups", "Delay-per-neuron", "Izhikevich", "LIFPlus-linear", "LIF-per-neuron")


def named(values) -> dict[str, np.ndarray]:
    return values if isinstance(values, dict) else {"": values}


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("chip") / "digits"
    netx.export(digits(), "lynxi", folder, steps=STEPS)
    return folder


# -- the step on this machine --------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_the_exported_step_does_what_the_simulator_does(name, tmp_path, rng) -> None:
    """No potential of these is within rounding of its threshold."""
    net = NETWORKS[name]()
    assert netx.export(net, "lynxi", tmp_path / "x")[-1] == "not verified on hardware"
    deployed = lynxi.host(tmp_path / "x")
    x = frames(net, rng)
    found, wanted = named(deployed.run(x)), named(Simulator(net, dtype="float32").run(x))
    assert found.keys() == wanted.keys()
    for key, values in wanted.items():
        assert np.unique(values).size > 1
        np.testing.assert_allclose(found[key], values, rtol=1e-5, atol=1e-6)
    flags = {state.flag for state in step_graph(net).states}
    assert deployed.machine.states.keys() == flags
    assert {s["flag"] for s in lynxi.check(tmp_path / "x")["states"]} == flags


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("case", [c for c in SAID if c.name in SAID_TOO], ids=lambda c: c.name)
def test_other_processes_do_what_the_simulator_does(case, rng) -> None:
    net = case.network()
    graph = folded(step_graph(net))
    check_limits(net.build(), graph, 1, STEPS)
    script = torch.jit.load(io.BytesIO(step_script(graph)))
    x = inputs(net, rng, batch=1, steps=STEPS).astype(np.float32)
    with custom_operators.holding({}):
        found = [script(torch.from_numpy(x[:, k])) for k in range(STEPS)]
    wanted = Simulator(net, dtype="float32").run(x)
    np.testing.assert_allclose(torch.stack(found, 1), wanted, rtol=1e-5, atol=1e-6)


def test_the_exported_step_is_the_step_module_with_states_inside(exported, rng) -> None:
    graph = folded(step_graph(digits()))
    module = step_module(graph)
    states = initial_states(graph)
    deployed = lynxi.host(exported)
    for frame in frames(digits(), rng):
        wanted, *states = module(torch.from_numpy(frame[None]), *states)
        np.testing.assert_array_equal(deployed.step(frame), wanted[0].numpy())


def test_without_reset_the_state_carries_over_and_reset_restores_what_is_declared(
    tmp_path, rng
) -> None:
    net = recurrent()
    netx.export(net, "lynxi", tmp_path / "x")
    deployed = lynxi.host(tmp_path / "x")
    x = frames(net, rng)
    first, again = deployed.run(x), deployed.run(x)
    assert not np.array_equal(first["late"], again["late"])
    deployed.reset()
    batched = deployed.run(x[None])
    for name, values in first.items():
        np.testing.assert_array_equal(batched[name][0], values)
    started = next(s for s in lynxi.check(tmp_path / "x")["states"] if s["flag"] == "lif2.v")
    assert started["reset_to"] == [0.0, 0.05, 0.1, 0.15, 0.2]
    parts = lynxi.host(tmp_path / "x")
    halves = [parts.run(half) for half in (x[:5], x[5:])]
    np.testing.assert_array_equal(np.concatenate([h["early"] for h in halves]), first["early"])


def test_operators_do_what_the_chip_is_said_to_do() -> None:
    custom_operators.register()
    custom_operators.register()
    ops = torch.ops.custom
    x = torch.tensor([0.4, 0.5, 0.6, -200.0])
    assert ops.cmpandfire(x, 0.5).tolist() == [0, 0, 1, 0]
    reset = ops.resetwithdecay(x, 0.5, -1.0, 0.5, 0.25)
    torch.testing.assert_close(reset, torch.tensor([0.45, 0.5, -0.25, -99.75]))
    states: dict[str, torch.Tensor] = {}
    loaded = (x, "a.v", True, [], "float32", 0, 0, False, 0, 0)
    with custom_operators.holding(states):
        assert torch.equal(ops.load(*loaded), x)
        ops.save(x + 1, "a.v", 0, 0, False, False, 0, 0)
        assert torch.equal(ops.load(*loaded), x + 1)
    assert torch.equal(ops.load(*loaded), x)
    assert torch.equal(states["a.v"], x + 1)


def test_inputs_that_do_not_fit_are_refused(exported, tmp_path, rng) -> None:
    deployed = lynxi.host(exported)
    with pytest.raises(ShapeError, match=r"'input1': must have shape \('time', 2, 12, 12\)"):
        deployed.run(np.zeros((4, 2, 12, 11)))
    with pytest.raises(ShapeError, match="must have shape"):
        deployed.run(np.zeros((0, 2, 12, 12)))
    with pytest.raises(StateError, match=r"has 3 sample\(s\); the model runs 1 at once"):
        deployed.run(np.zeros((3, 4, 2, 12, 12)))
    netx.export(two_inputs(), "lynxi", tmp_path / "x")
    both = lynxi.host(tmp_path / "x")
    with pytest.raises(ShapeError, match="must be left, right"):
        both.run(np.zeros((4, 2, 3, 3)))
    with pytest.raises(ShapeError, match="must be equally long"):
        both.run({"left": np.zeros((4, 2, 3, 3)), "right": np.zeros((5, 2, 3, 3))})


# -- the files -----------------------------------------------------------------------------------


def test_the_manifest_says_what_a_runtime_needs(exported) -> None:
    said = lynxi.check(exported)
    assert {p.name for p in exported.iterdir()} == FILES
    assert said["inputs"] == [
        {
            "name": "data_0",
            "process": "input1",
            "shape": [1, 2, 12, 12],
            "layout": "NCHW",
            "dtype": "float16",
        }
    ]
    assert [(x["name"], x["counts"]) for x in said["outputs"]] == [
        ("dense2.a_out", "after the last step")
    ]
    assert {s["flag"]: (s["held_as"], s["layout"]) for s in said["states"]} == {
        "lif1.v": ([1, 5, 5, 4], "NHWC"),
        "lif2.v": ([1, 1, 1, 5], "NHWC"),
        "timemean1.total": ([1, 1, 1, 6], "NHWC"),
        "timemean1.t": ([1, 1, 1, 1], "NHWC"),
    }
    assert (said["steps"], said["batch"]) == (STEPS, 1)
    assert (said["accumulators"], said["head"]) == (["timemean1"], ["dense2"])
    assert said["built_in"] == ["lif1", "lif2"]
    assert said["normalisation"] == [
        {
            "process": "batchnorm1",
            "position": "synapse",
            "how": "folded into the weights before it",
        },
        {"process": "lif2", "position": "membrane", "how": "a gain on the state"},
    ]
    assert said["verified_on_hardware"] is False
    found = said["emulated"]
    assert (found["dtype"], found["samples"], found["inputs"]) == ("float16", 2, "random events")
    assert 0 < found["largest_error"] < 0.01


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_the_script_has_the_chips_operators_and_no_trace_of_here(exported) -> None:
    script = torch.jit.load(str(exported / "step.pt"))
    used = [node.kind() for node in script.graph.nodes() if node.kind().startswith("custom::")]
    assert sorted(set(used)) == [
        "custom::cmpandfire",
        "custom::load",
        "custom::resetwithdecay",
        "custom::save",
    ]
    assert used.count("custom::load") == used.count("custom::save") == 4
    here = str(Path(netx.__file__).resolve().parent).encode()
    for name in FILES:
        assert here not in (exported / name).read_bytes()


def test_another_process_in_another_folder_writes_the_same_bytes(exported, tmp_path) -> None:
    netx.save(digits(), tmp_path / "a.net")
    said = ["--target", "lynxi", "--out", str(tmp_path / "other"), "--steps", str(STEPS)]
    call = "import sys; from bidl_sim.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", call, "export", str(tmp_path / "a.net"), *said]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "note: not verified on hardware"
    for name in FILES:
        assert (tmp_path / "other" / name).read_bytes() == (exported / name).read_bytes(), name


def test_what_is_known_beside_the_network_is_in_the_manifest(tmp_path) -> None:
    net = digits()
    net.metadata = {"data": {"framing": {"bins": 24}}}
    silent = np.zeros((3, 4, 2, 12, 12))
    netx.export(net, "lynxi", tmp_path / "x", batch=7, inputs=silent)
    said = lynxi.check(tmp_path / "x")
    assert (said["steps"], said["batch"]) == (24, 7)
    found = said["emulated"]
    assert (found["samples"], found["steps"], found["inputs"]) == (3, 4, "given frames")
    net.metadata = {"data": {"framing": [1]}}
    netx.export(net, "lynxi", tmp_path / "x")
    assert lynxi.check(tmp_path / "x")["steps"] is None


def test_a_network_that_overflows_on_the_chip_says_so(tmp_path) -> None:
    net = sequential(Input(2), Dense(2, 2, weight=np.full((2, 2), 5e4), bias=False))
    notes = netx.export(net, "lynxi", tmp_path, inputs=np.ones((1, 2, 2)))
    assert "outputs are off by up to infinite in 1 sample(s) of given frames" in notes[0]
    assert lynxi.check(tmp_path)["emulated"]["largest_error"] == "infinite"


def test_a_normalisation_of_two_currents_stays_at_the_potential(tmp_path) -> None:
    net = Network()
    neuron = net.add(LIF(norm="membrane", norm_var=[0.5, 2.0, 1.0]))
    for name in ("one", "two"):
        net.connect(net.add(Input(2, name=name)), dense := net.add(Dense(2, 3)))
        net.connect(dense, neuron)
    netx.export(net, "lynxi", tmp_path)
    (said,) = lynxi.check(tmp_path)["normalisation"]
    assert said["how"] == "a gain and an offset of the potential"


@pytest.mark.parametrize("name", sorted(manifest.FILES))
def test_a_file_that_is_not_the_one_written_is_refused(name, exported, tmp_path) -> None:
    folder = copy(exported, tmp_path / "x")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(FormatError, match=rf"{name}: is not the file that manifest\.json lists"):
        lynxi.host(folder)
    (folder / name).unlink()
    with pytest.raises(FormatError, match=rf"{name}: is missing"):
        lynxi.check(folder)


def resealed(said: dict) -> bytes:
    said.pop("checksum")
    return json.dumps({**said, "checksum": manifest._checksum(said)}).encode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: json.dumps({**s, "steps": 99}).encode(), "was changed after it was written"),
        (lambda s: resealed({**s, "version": 2}), "has version 2, this is for 1"),
        (lambda s: resealed({**s, "format": "x"}), "is no manifest of an export"),
        (lambda s: resealed({**s, "inputs": []}), "does not describe a model"),
        (lambda s: resealed({**s, "outputs": [{"name": 1}]}), "does not describe a model"),
        (lambda s: resealed({**s, "files": []}), "does not describe a model"),
        (lambda s: resealed({**s, "files": {}}), r"step\.pt: is not the file"),
        (lambda s: b"[]", "is no manifest of an export"),
        (lambda s: b"{", "is no JSON"),
    ],
)
def test_a_manifest_that_is_not_the_one_written_is_refused(
    change, message, exported, tmp_path
) -> None:
    folder = copy(exported, tmp_path / "x")
    (folder / manifest.NAME).write_bytes(change(json.loads((folder / manifest.NAME).read_text())))
    with pytest.raises(FormatError, match=message):
        lynxi.check(folder)


def test_a_folder_without_manifest_is_refused(tmp_path, monkeypatch, exported) -> None:
    with pytest.raises(FormatError, match=r"manifest\.json: does not exist.*bidl export"):
        lynxi.check(tmp_path)
    monkeypatch.setattr(manifest, "MOST", 10)
    with pytest.raises(FormatError, match="is more than 10 bytes"):
        lynxi.check(exported)


# -- limits --------------------------------------------------------------------------------------


def sequential(*processes) -> Network:
    return Network.sequential(*processes)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (sequential(Input(5000), LIF()), r"input 'input1': .*no axis may be longer than 4095"),
        (sequential(Input((1, 400, 400)), LIF()), r"input 'input1': .*320000 bytes, of at most"),
        (sequential(Input((99, 200, 200)), LIF()), r"input input1: is 7920000 bytes in each step"),
        (sequential(Input((2, 2, 2, 2)), LIF()), r"input 'input1': .*takes three axes.*Reshape"),
        (sequential(Input(4), Dense(4, 5000)), r"output 'dense1.a_out': has shape \(5000,\)"),
        (sequential(Input(4), LIF(v_th=1e5)), r"lif1.v_th: holds 100000; .*end at 65504"),
        (sequential(Input(4), LIF(initial={"v": 1e5}, v_th=2.0)), r"lif1.v: holds 100000"),
        (Network.of(ArraySource(np.ones((4, 2)))), "has no inputs"),
        (
            sequential(Input(4), CUBA(name="c")),
            r"CUBA 'c' .*needs the operation 'nearest'.*arithmetic='float'",
        ),
        (
            sequential(Input(4), CUBA(arithmetic="integer", name="c")),
            r"CUBA 'c' .*computes with integers that a 16-bit float cannot hold",
        ),
    ],
    ids=repr,
)
def test_what_is_beyond_the_chip_is_refused_by_name(net, message, tmp_path) -> None:
    with pytest.raises(FormatError, match=message):
        netx.export(net, "lynxi", tmp_path / "x")
    assert not list((tmp_path / "x").iterdir())


class InOrder(Neuron):
    """Neurons whose step is torch's."""

    def step(self, a_in):
        return torch.sort(a_in).values


class LowestBit(Population):
    """Counts in whole numbers, bit by bit.

    Ports
    -----
    a_in, s_out : any shape
    """

    a_in = In()

    def step(self, a_in):
        return integer(a_in) & 1


def test_a_step_that_is_torchs_or_needs_bits_is_refused_by_name(tmp_path) -> None:
    with pytest.raises(FormatError, match=r"InOrder 's' .*no plain operations"):
        netx.export(sequential(Input(4), InOrder(name="s")), "lynxi", tmp_path)
    with pytest.raises(FormatError, match=r"LowestBit 'b' .*needs bits of whole numbers"):
        netx.export(sequential(Input(4), LowestBit(name="b")), "lynxi", tmp_path)


def test_options_beyond_the_chip_are_refused(tmp_path) -> None:
    net = sequential(Input(4), LIF(), TimeMean(name="m"))
    with pytest.raises(ParameterError, match="batch: must be one of 1, 2, 4, 7, 14, 28, got 3"):
        netx.export(net, "lynxi", tmp_path, batch=3)
    with pytest.raises(ParameterError, match="steps: must be at least 1, got 0"):
        netx.export(net, "lynxi", tmp_path, steps=0)
    with pytest.raises(FormatError, match=r"m\.t: counts 2049 steps in a float16"):
        netx.export(net, "lynxi", tmp_path, steps=2049)


def test_inputs_are_merged_before_they_are_measured(tmp_path) -> None:
    """By the compiler: along the first axis that may differ, or flat."""
    net = Network()
    for k, shape in enumerate([(2, 3, 3), (4000,)]):
        net.connect(net.add(Input(shape, name=f"in{k}")), net.add(LIF(shape, name=f"lif{k}")))
    netx.export(net, "lynxi", tmp_path)
    net.connect(net.add(Input(100, name="more")), net.add(LIF(100, name="lif2")))
    with pytest.raises(FormatError, match=r"in0, in1, more, merged .*\(1, 1, 4118\)"):
        netx.export(net, "lynxi", tmp_path)


def limits(net: Network) -> list[str]:
    return check_limits(net.build(), step_graph(net), 1, None)


def test_many_neurons_are_a_warning_and_too_many_are_refused(tmp_path) -> None:
    wide = sequential(Input((3, 60, 60)), LIF(), AvgPool2d(60))
    (said, *_) = netx.export(wide, "lynxi", tmp_path / "x")
    assert said == (
        "10,800 neurons, 10,800 of them in 'lif1': the vendor recommends at most 10,000 in all"
    )
    assert lynxi.check(tmp_path / "x")["warnings"] == [said]
    wider = sequential(Input((8, 200, 200)), LIF(), AvgPool2d(50))
    assert limits(wider)[1].endswith("a chip has 250,000 in its dense mode")
    widest = sequential(
        Input((9, 8, 8)), Conv2d(9, 40000, 1), LIF(name="big"), GlobalAvgPool("frame")
    )
    with pytest.raises(FormatError, match=r"LIF 'big' .*a chip has at most 2,000,000"):
        limits(widest)
