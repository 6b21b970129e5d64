"""The command line: what it prints, writes and returns."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch

from bidl_sim import Network, Simulator, netx
from bidl_sim.cli import main
from bidl_sim.cli.evaluate import evaluate
from bidl_sim.data import DataConfig, Framing
from bidl_sim.processes import LIF, Dense, Input, TimeMean

CONFIG = """
network = [
  {type = "Input", shape = [2, 28, 28]},
  {type = "AvgPool2d", kernel_size = 4},
  {type = "Flatten"},
  {type = "Dense", in_features = 98, out_features = 8},
  {type = "LIF"},
]
[data]
name = "gestures"
recordings = 32
validation = 0.25
framing = {bins = 4}
[train]
epochs = 2
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def model(folder):
    net = Network.sequential(Input(3), Dense(3, 2), LIF(), TimeMean())
    netx.save(net, "m.net")
    return net


def bidl(*words: str) -> int:
    return main(list(words))


def test_training_writes_a_model_that_is_evaluated(folder, capsys) -> None:
    assert bidl("train", "small.toml", "--epochs", "3", "--history", "h.jsonl") == 0
    printed = capsys.readouterr().out
    assert printed.count("epoch ") == 3
    assert "val loss" in printed
    assert "wrote small.net" in printed
    assert len((folder / "h.jsonl").read_text().splitlines()) == 3

    assert bidl("eval", "small.net", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert 0 <= found["accuracy"] <= 1
    assert found["samples"] == 8
    assert {"samples_per_second", "steps_per_second", "synaptic_operations"} <= set(found)
    needed = found["work"]["synaptic_operations"]
    assert found["synaptic_operations"] == needed["Effective_MACs"] + needed["Effective_ACs"] > 0
    assert found["work"]["processes"].keys() >= {"lif1", "dense1"}
    assert f"test accuracy {100 * found['accuracy']:.2f} %" in printed

    assert bidl("eval", "small.net") == 0
    printed = capsys.readouterr().out
    assert "accuracy" in printed
    assert "membrane" in printed


def test_training_resumes(folder, capsys) -> None:
    assert bidl("train", "small.toml", "--epochs=2", "--checkpoint", "c.npz") == 0
    capsys.readouterr()
    assert bidl("train", "small.toml", "--epochs=3", "--checkpoint", "c.npz", "--resume") == 0
    assert capsys.readouterr().out.count("epoch ") == 1


def test_run_goes_from_file_to_file(folder, model, capsys, rng) -> None:
    x = rng.normal(size=(4, 6, 3)).astype(np.float32)
    np.save("x.npy", x)
    assert bidl("run", "m.net", "--input", "x.npy", "--output", "y.npy") == 0
    np.testing.assert_array_equal(np.load("y.npy"), Simulator(model).run(x))
    assert "y.npy: 4x2" in capsys.readouterr().out


def test_info_prints_a_table_or_json(folder, model, capsys) -> None:
    assert bidl("info", "m.net") == 0
    assert "dense1" in capsys.readouterr().out
    assert bidl("info", "m.net", "--json") == 0
    assert json.loads(capsys.readouterr().out)["totals"]["neurons"] == 2


@pytest.mark.parametrize(
    ("target", "dtype"),
    [("sim", "float64"), ("event", "float64"), ("onnx", "float16"), ("lynxi-emulator", "float32")],
)
def test_run_in_the_numbers_asked_for(folder, model, target, dtype, rng) -> None:
    np.save("x.npy", rng.poisson(1.0, (5, 3)).astype(np.float32))
    where = ("run", "m.net", "--input", "x.npy", "--output", "y.npy")
    assert bidl(*where, "--target", target, "--dtype", dtype) == 0
    assert np.load("y.npy").dtype == dtype


def test_verify_tells_by_its_exit_code(folder, model, capsys, monkeypatch, rng) -> None:
    assert bidl("verify", "m.net", "--layers") == 0
    printed = capsys.readouterr().out
    assert "timestep-major" in printed
    assert "C++ program" in printed  # as a row, or left out for want of a compiler
    assert "contract emulator, float16, not the chip, compared with float64" in printed
    np.save("x.npy", rng.normal(size=(2, 5, 3)))
    assert bidl("verify", "m.net", "--input", "x.npy", "--no-cpp", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is True
    assert (report["samples"], report["steps"]) == (2, 5)

    wrong = Network.sequential(Input(3), Dense(3, 2), LIF(v_th=0.1), TimeMean())
    monkeypatch.setattr("bidl_sim.netx.native.load", lambda path: wrong)
    assert bidl("verify", "m.net", "--input", "x.npy", "--no-cpp") == 1
    assert "DIFFERENT" in capsys.readouterr().out


def test_convert_rounds_and_says_what_it_did(folder, capsys) -> None:
    assert bidl("train", "small.toml", "--out", "small.net") == 0
    capsys.readouterr()
    assert bidl("convert", "small.net", "chip.net", "--to", "lava-dl") == 1
    assert "bidl convert --quantize" in capsys.readouterr().err
    assert bidl("convert", "small.net", "chip.net", "--to", "lava-dl", "--quantize") == 0
    printed = capsys.readouterr().out
    assert "chip.net: lava-dl" in printed
    assert "left out, as the format has no place for it: metadata" in printed
    assert re.search(r"accuracy [\d.]+ % before rounding, [\d.]+ % after", printed)
    assert bidl("info", "chip.net") == 0
    assert "CUBA" in capsys.readouterr().out


def test_quantize_prints_what_few_bits_cost(folder, capsys) -> None:
    assert bidl("train", "small.toml", "--out", "small.net", "--epochs", "1") == 0
    capsys.readouterr()
    assert bidl("quantize", "small.net", "q.net", "--weights", "int4", "--epochs", "2") == 0
    printed = capsys.readouterr().out
    assert printed.count("epoch ") == 2
    assert [line.split()[0] for line in printed.splitlines() if "int4" in line] == [
        "rounded",
        "trained",
    ]
    assert "accuracy on 8 recordings" in printed

    assert bidl("quantize", "small.net", "q.net", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    given, rounded = found["models"]
    assert rounded["bytes"] == (folder / "q.net").stat().st_size < given["bytes"]
    assert 0 <= rounded["accuracy"] <= 1
    (layer,) = found["layers"]
    assert (layer["process"], layer["weights"], layer["scales"]) == ("dense1", 98 * 8, 8)
    assert 0 < layer["error"] <= layer["largest"] / 254 * 1.001  # half a step of 1/127
    with pytest.raises(SystemExit):
        bidl("quantize", "small.net", "small.net")


def test_quantize_needs_no_data_to_round(folder, model, capsys) -> None:
    assert bidl("quantize", "m.net", "q.net", "--weights", "float16") == 0
    assert "accuracy not measured" in capsys.readouterr().out
    assert netx.load("q.net").processes["dense1"].weight.dtype == np.float16


def test_diff_names_the_first_difference(folder, model, capsys) -> None:
    assert bidl("diff", "m.net", "m.net") == 0
    assert capsys.readouterr().out == "no difference\n"
    dense = model.processes["dense1"]
    dense.weight = dense.weight + np.eye(2, 3)
    model.processes["lif1"].reset = "soft"
    netx.save(model, "n.net")
    assert bidl("diff", "m.net", "n.net") == 1
    assert "dense1.weight[0, 0]: " in capsys.readouterr().out
    assert bidl("diff", "m.net", "n.net", "--all") == 1
    assert "lif1, reset: 'hard' in the first, 'soft' in the second" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("info", "no.net"), "no.net: does not exist"),
        (("train", "no.toml"), "no.toml: cannot be read: No such file"),
        (("train", "small.toml", "--epoch", "3"), "--epoch: is no key of this configuration"),
        (("train", "small.toml", "--data", "x"), "data set gestures: is generated and takes no"),
        (
            ("train", "small.toml", "--out", "no/where.net", "--epochs", "1"),
            "no/where.net: its folder",
        ),
        (("run", "m.net", "--input", "no.npy", "--output", "y.npy"), "no.npy: No such file"),
        (("run", "m.net", "--input", "small.toml", "--output", "y.npy"), "is no .npy file"),
        (("run", "m.net", "--input", "x.npy", "--output", "y.npy"), "input 'input1': must have"),
        (
            ("run", "m.net", "--input", "x.npy", "--output", "y.npy", "--target", "chip"),
            "Runtime, target: must be one of sim, event, ",
        ),
        (("quantize", "m.net", "q.net", "--weights", "int3"), "weights: must be one of int8, int4"),
        (("quantize", "m.net", "q.net", "--epochs", "1"), "does not say how events become frames"),
        (("eval", "m.net"), "does not say how events become frames"),
        (("verify", "m.net", "--input", "x.npy"), "input 'input1': must have shape"),
    ],
)
def test_what_fails_is_said_in_one_line(folder, model, capsys, words, reason) -> None:
    np.save("x.npy", np.zeros((5, 4)))
    assert bidl(*words) == 1
    found = capsys.readouterr().err
    assert found.startswith("bidl: ")
    assert reason in found
    assert found.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("fly",),
        ("info",),
        ("info", "a", "--fast"),
        ("train", "small.toml", "word"),
        ("train", "small.toml", "--epochs"),
        ("train", "small.toml", "--resume"),
        ("verify", "m.net", "--input", "a", "--data", "b"),
    ],
)
def test_wrong_usage_returns_two(folder, words, capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        bidl(*words)
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_the_demo_does_the_whole_job(folder, capsys) -> None:
    assert bidl("demo", "--quick", "--out", "here") == 0
    printed = capsys.readouterr().out
    for word in ("data", "train", "export", "simulate", "verify", "accuracy"):
        assert word in printed
    written = {p.name for p in (folder / "here").iterdir()}
    assert written == {"gestures.net", "gestures.png", "gestures.jsonl"}
    unseen = DataConfig(recordings=400, framing=Framing(bins=24), seed=1).load("test")
    sim, emulator = (
        evaluate("here/gestures.net", unseen, target)["accuracy"]
        for target in ("sim", "lynxi-emulator")
    )
    assert abs(emulator - sim) <= 0.01  # of 100 recordings, in fp16


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_measuring_a_gpu_that_is_not_there_says_so(capsys) -> None:
    assert bidl("bench", "gpu") == 1
    assert "there is no GPU that torch can use" in capsys.readouterr().err


def test_bench_runtime_measures_what_can_run_a_model(folder, model, capsys) -> None:
    assert bidl("bench", "runtime", "--model", "m.net", "--steps", "4", "--json") == 0
    found = {row["target"]: row for row in json.loads(capsys.readouterr().out)["targets"]}
    assert {"sim", "event", "onnx", "gpu", "cpp"} <= set(found)
    for row in found.values():
        assert ("note" in row) or 0 < row["median_us"] <= row["p99_us"]
    assert "median_us" in found["sim"]
    assert bidl("bench", "runtime", "--model", "m.net", "--steps", "4") == 0
    assert "one frame, one sample" in capsys.readouterr().out


def test_real_recordings_from_the_command_line(folder, nmnist, capsys) -> None:
    """A few epochs on real data; what full training reaches is in benchmarks/nmnist.py."""
    from conftest import ROOT

    config = str(ROOT / "examples" / "nmnist.toml")
    assert bidl("train", config, "--data", str(nmnist), "--out", "n.net", "--epochs", "1") == 0
    capsys.readouterr()
    assert bidl("eval", "n.net", "--data", str(nmnist / "nmnist_dev.zip"), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["samples"] == 50
    assert found["accuracy"] > 0.5
    assert bidl("verify", "n.net", "--data", str(nmnist), "--json") == 0
    assert json.loads(capsys.readouterr().out)["ok"]
