"""The vendor's compiler and runtime for the Lynxi chip: the documented calls, and no others."""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from exported_networks import STEPS, copy, digits, frames
from fake_lynxi import Formats, Lyngor, Sdk

from bidl_sim import Network, netx
from bidl_sim.cli import main as bidl
from bidl_sim.errors import FormatError, MissingToolError, ParameterError
from bidl_sim.netx import lynxi
from bidl_sim.netx.lynxi import custom_operators, manifest
from bidl_sim.netx.lynxi.run_lynsdk import ChipError
from bidl_sim.processes import LIF, Dense, Input, TimeMean

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("chip") / "digits"
    netx.export(digits(), "lynxi", folder, steps=STEPS)
    return folder


@pytest.fixture
def compiled(exported, tmp_path) -> Path:
    """As if compiled."""
    folder = copy(exported, tmp_path / "compiled")
    (folder / "compiled" / "Net_0").mkdir(parents=True)
    return folder


def on(folder: Path, monkeypatch, **options) -> Sdk:
    sdk = Sdk(lynxi.host(folder), **options)
    monkeypatch.setitem(sys.modules, "pylynchipsdk", sdk)
    return sdk


LOADED = [
    "lyn_get_device_count",
    "lyn_create_context",
    "lyn_set_current_context",
    "lyn_register_error_handler",
    *["lyn_create_stream"] * 2,
    "lyn_create_event",
    "lyn_load_model",
    "lyn_model_get_desc",
]
STEP = [
    *["lyn_addr_seek"] * 2,
    "lyn_model_send_input_async",
    "lyn_model_recv_output_async",
]


def test_a_runtime_makes_the_documented_calls_in_order(compiled, monkeypatch, rng) -> None:
    """As in the vendor's programs: reset, all frames to the device, send and receive each step."""
    sdk = on(compiled, monkeypatch)
    runtime = netx.Runtime(compiled, "lynxi")
    begin = ["lyn_set_current_context", "lyn_model_reset_async"]
    assert sdk.calls == [*LOADED, *begin]
    sdk.calls.clear()
    x = frames(digits(), rng)
    found = runtime.run(x)
    run = [
        "lyn_set_current_context",
        *["lyn_malloc"] * 2,
        "lyn_numpy_to_ptr",
        "lyn_memcpy_async",
        *STEP * STEPS,
        "lyn_record_event",
        *["lyn_synchronize_stream"] * 2,
        "lyn_numpy_to_ptr",
        "lyn_memcpy",
        *["lyn_free"] * 2,
    ]
    assert sdk.calls == run
    sdk.calls.clear()
    runtime.reset()
    assert sdk.calls == ["lyn_set_current_context", "lyn_stream_wait_event", begin[1]]
    again = runtime.run(torch.from_numpy(x))
    np.testing.assert_array_equal(again, found)
    assert sdk.allocated == 0
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, lynxi.host(compiled).run(x), atol=1e-3)  # outputs in fp16
    runtime.machine.machine.close()
    assert sdk.calls[-1] == "lyn_destroy_context"
    with pytest.raises(ParameterError, match="runs in no simulator"):
        _ = runtime.simulator


def test_step_by_step_is_the_whole(compiled, monkeypatch, rng) -> None:
    on(compiled, monkeypatch)
    runtime = netx.Runtime(compiled, "lynxi")
    x = frames(digits(), rng)
    whole = runtime.run(x)
    carried = runtime.run(x)
    assert not np.array_equal(whole, carried)
    runtime.reset()
    every = [runtime.step(frame) for frame in x]
    np.testing.assert_array_equal(every[-1], whole)


def test_a_failing_call_is_named(compiled, monkeypatch) -> None:
    sdk = on(compiled, monkeypatch)
    runtime = netx.Runtime(compiled, "lynxi")
    sdk.fails["lyn_model_send_input_async"] = 7
    with pytest.raises(ChipError, match="lyn_model_send_input_async: code 7"):
        runtime.run(np.zeros((2, 2, 12, 12)))
    sdk.fails.clear()
    sdk.handler("stream 1", SimpleNamespace(errCode=13), None)
    with pytest.raises(ChipError, match=r"lyn_set_current_context: code \[13\]"):
        runtime.reset()


def test_a_model_that_is_not_the_one_of_the_folder_is_refused(compiled, monkeypatch) -> None:
    on(compiled, monkeypatch, batch=4)
    with pytest.raises(FormatError, match=r"runs 4 sample\(s\) at once, manifest\.json says 1"):
        netx.Runtime(compiled, "lynxi")
    on(compiled, monkeypatch, dtype=Formats.DT_BF16)
    with pytest.raises(ChipError, match=r"format Formats\.DT_BF16 is none of"):
        netx.Runtime(compiled, "lynxi")
    on(compiled, monkeypatch, dtype=Formats.DT_UINT8)
    with pytest.raises(ChipError, match="input: 576 bytes, the model takes 1152"):
        netx.Runtime(compiled, "lynxi").run(np.zeros((2, 2, 12, 12)))


def test_what_is_missing_is_said(compiled, exported, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pylynchipsdk", None)
    with pytest.raises(MissingToolError, match=r"needs the vendor's package 'pylynchipsdk'"):
        netx.Runtime(compiled, "lynxi")
    on(exported, monkeypatch)
    with pytest.raises(FormatError, match=r"Net_0: does not exist.*compile_lyngor\.py"):
        netx.Runtime(exported, "lynxi")
    with pytest.raises(ParameterError, match="runs what the vendor's compiler made, no network"):
        netx.Runtime(digits(), "lynxi")


@pytest.mark.parametrize("name", manifest.PROGRAMS)
def test_programs_need_no_newer_python_than_the_vendors(name, exported) -> None:
    source = (exported / name).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    assert "bidl_sim" not in source
    assert "Not verified on hardware." in source


def program(path: Path, monkeypatch, *arguments: str) -> None:
    """Run an exported program as from the command line."""
    monkeypatch.setattr(sys, "argv", [str(path), *arguments])
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.delitem(sys.modules, "custom_operators", raising=False)
    try:
        runpy.run_path(str(path), run_name="__main__")
    finally:
        sys.modules.pop("custom_operators", None)


def test_the_run_program_runs_samples_from_the_declared_state(
    compiled, tmp_path, monkeypatch, capsys, rng
) -> None:
    on(compiled, monkeypatch)
    x = np.stack([frames(digits(), rng, 4) for _ in range(3)])
    np.save(tmp_path / "x.npy", x)
    files = ["--input", str(tmp_path / "x.npy"), "--output", str(tmp_path / "y.npy")]
    program(compiled / "run_lynsdk.py", monkeypatch, *files)
    found = np.load(tmp_path / "y.npy")
    assert found.shape == (3, 4, 3)
    runtime = netx.Runtime(compiled, "lynxi")
    for sample, outputs in zip(x, found, strict=True):
        runtime.reset()
        np.testing.assert_array_equal(outputs[-1], runtime.run(sample))
    monkeypatch.setitem(sys.modules, "pylynchipsdk", None)
    with pytest.raises(SystemExit, match="needs the vendor's package 'pylynchipsdk'"):
        program(compiled / "run_lynsdk.py", monkeypatch, *files)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_the_compile_program_makes_the_documented_calls(compiled, monkeypatch, capsys, rng) -> None:
    lyngor = Lyngor()
    monkeypatch.setitem(sys.modules, "lyngor", lyngor)
    program(compiled / "compile_lyngor.py", monkeypatch, "--out", "there")
    assert capsys.readouterr().out == "there\n"
    module, kind, said = lyngor.said["load"]
    assert (kind, said) == (
        "Pytorch",
        {"inputs_dict": {"data_0": (1, 2, 12, 12)}, "in_type": "float16"},
    )
    assert not module.training
    with custom_operators.holding({}):
        assert module(torch.zeros(1, 2, 12, 12)).shape == (1, 3)
    assert lyngor.op_graph_batch_limit == 25
    assert lyngor.said["builder"] == {"target": "apu", "is_map": True}
    options = {"opt_level": 3, "out_path": "there", "version": 0}
    assert lyngor.said["build"] == (("relay", "numbers"), options)
    convert = lyngor.pytorch_convert_map
    window = {"data": "x", "cfg": 12, "const2": 0, "const3": 0, "else1": 0}
    fired = {"th0": 0.5, "th1": 0x7C00, "const0": 1, "const1": 0, "else0": 0}
    assert convert["custom::cmpandfire"](["x", 0.5], []) == {**window, **fired}
    reset = {"th0": -100.0, "th1": 0.5, "const0": 2.0, "const1": 0.25, "else0": 1.75}
    numbers = [0.5, -1.0, 0.25, 2.0]
    assert convert["custom::resetwithdecay"](["x", *numbers], []) == {**window, **reset}
    loaded = ["x", "a.v", True, [], "float32", 0, 0, False, 0, 0]
    kept, said = convert["custom::load"](loaded, [])
    assert (kept, said["data"], said["flag"], said["group_id"]) == ("load", "x", "a.v", 0)
    saved = ["x", "a.v", 0, 0, False, False, 0, 0]
    assert convert["custom::save"](saved, []) == ("save", tuple(saved))
    monkeypatch.setitem(sys.modules, "lyngor", None)
    with pytest.raises(SystemExit, match="needs the vendor's package 'lyngor'"):
        program(compiled / "compile_lyngor.py", monkeypatch)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_more_samples_at_once_need_the_other_compiler(tmp_path, monkeypatch) -> None:
    netx.export(digits(), "lynxi", tmp_path / "x", batch=14)
    lyngor = Lyngor()
    monkeypatch.setitem(sys.modules, "lyngor", lyngor)
    program(tmp_path / "x" / "compile_lyngor.py", monkeypatch, "--out", "there")
    said = lyngor.said["build"][1]
    assert (said["version"], said["run_batch"]) == (1, 14)


# -- export ---------------------------------------------------------------------------------------


def test_export_from_the_command_line(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = Network.sequential(Input(4), Dense(4, 3), LIF(), TimeMean(), Dense(3, 2))
    netx.save(net, "a.net")
    assert bidl(["export", "a.net", "--target", "graph", "--out", "graph"]) == 0
    assert capsys.readouterr().out == "graph: graph\n"
    text = Path("graph/step.txt").read_text()
    assert text.startswith("one timestep: 4 processes")
    assert "head dense2, behind an accumulator" in text
    assert Path("graph/step.dot").read_text().startswith("digraph step {")
    assert bidl(["export", "a.net", "--target", "onnx", "--out", "o", "--dtype", "float16"]) == 0
    assert Path("o/step.onnx").stat().st_size
    assert bidl(["export", "a.net", "--target", "onnx", "--out", "o", "--batch", "2"]) == 1
    assert "netx.export, batch: is no option of onnx; those are: dtype" in capsys.readouterr().err
    assert bidl(["export", "a.net", "--target", "moon", "--out", "o"]) == 1
    assert "must be one of" in capsys.readouterr().err
    assert bidl(["export", "a.net", "--target", "onnx", "--out", "a.net"]) == 1
    assert "a.net: cannot be a folder to write to" in capsys.readouterr().err


def test_a_folder_runs_from_the_command_line(compiled, tmp_path, monkeypatch, rng) -> None:
    on(compiled, monkeypatch)
    x = frames(digits(), rng)
    np.save(tmp_path / "x.npy", x)
    files = ["--input", str(tmp_path / "x.npy"), "--output", str(tmp_path / "y.npy")]
    assert bidl(["run", str(compiled), "--target", "lynxi", *files]) == 0
    np.testing.assert_array_equal(
        np.load(tmp_path / "y.npy"), netx.Runtime(compiled, "lynxi").run(x)
    )
