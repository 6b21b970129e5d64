"""Options of model files: one table for the command line, and wherever a file is given."""

from __future__ import annotations

import argparse
import json

import numpy as np
import pytest
from nir_graphs import DT, chain, neuron

from bidl_sim import Network, Simulator, netx
from bidl_sim.cli import COMMANDS, main
from bidl_sim.cli.options import READ, WRITTEN
from bidl_sim.errors import ParameterError
from bidl_sim.netx.formats import FORMATS
from bidl_sim.netx.nir.file import write
from bidl_sim.processes import LIF, Dense, Input


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A NIR file that leaves its timestep open, a native file, and an input."""
    monkeypatch.chdir(tmp_path)
    write(chain((3,), neuron("LIF")), "a.nir")
    netx.save(Network.sequential(Input(3), Dense(3, 2), LIF()), "m.net")
    np.save("x.npy", np.random.default_rng(0).normal(1.0, 1.0, (2, 30, 3)))
    return tmp_path


def bidl(*words: str) -> int:
    return main(list(words))


def test_a_file_is_run_with_its_options(folder, capsys) -> None:
    words = ("run", "a.nir", "--input", "x.npy", "--output", "y.npy")
    assert bidl(*words) == 1
    assert "netx.load, dt: is needed" in capsys.readouterr().err
    assert bidl(*words, "--dt", "2e-3", "--reset", "subtract", "--target", "event") == 0
    wanted = netx.load("a.nir", dt=DT, reset="subtract")
    spikes = Simulator(wanted).run(np.load("x.npy"), progress=False)
    assert spikes.any()
    np.testing.assert_array_equal(np.load("y.npy"), spikes)
    again = netx.Runtime("a.nir", dt=DT, reset="subtract").run(np.load("x.npy"))
    np.testing.assert_array_equal(again, spikes)


def test_verify_and_info_take_them(folder, capsys) -> None:
    assert bidl("verify", "a.nir", "--input", "x.npy", "--dt", "2e-3", "--json") == 0
    assert json.loads(capsys.readouterr().out)["ok"]
    assert bidl("info", "a.nir") == 0
    assert bidl("info", "a.nir", "--dt", "2e-3") == 0
    assert bidl("info", "a.nir", "--reset", "none") == 1
    assert "netx.load, reset: must be" in capsys.readouterr().err


def test_two_files_share_what_is_said(folder, capsys) -> None:
    assert bidl("convert", "a.nir", "a.net", "--dt", "2e-3", "--max-spikes", "inf") == 0
    assert netx.load("a.net").processes["n0"].max_spikes == 2**31 - 1
    assert bidl("diff", "a.net", "a.nir", "--dt", "2e-3", "--max-spikes", "inf") == 0
    assert bidl("diff", "a.nir", "a.nir") == 1
    assert bidl("convert", "m.net", "m.nir", "--dt", "0.004") == 0
    assert netx.load("m.nir").metadata["nir"]["dt"] == 0.004
    capsys.readouterr()
    assert bidl("convert", "m.net", "n.net", "--dt", "0.004") == 1
    assert capsys.readouterr().err == "bidl: --dt: is no option of m.net and n.net\n"


def test_what_is_written_has_options_of_its_own(folder) -> None:
    pytest.importorskip("onnx")
    assert bidl("convert", "m.net", "m.onnx", "--dtype", "float64", "--sequence") == 0
    from onnx import TensorProto, load

    (given,) = load("m.onnx").graph.input
    assert given.type.tensor_type.elem_type == TensorProto.DOUBLE
    assert len(given.type.tensor_type.shape.dim) == 3  # batch, time, neuron


def test_options_are_of_files(folder, capsys) -> None:
    net = netx.load("m.net")
    with pytest.raises(
        ParameterError, match="Runtime, dt: is for reading model files, and none was"
    ):
        netx.Runtime(net, dt=1e-3)
    assert bidl("run", "m.net", "--input", "x.npy", "--output", "y.npy", "--as-lava") == 1
    assert "as_lava: is no option of bidl_sim files" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--dt", "fast"), ("--input-shape", "2by3"), ("--dtype", "f")])
def test_wrong_words_are_wrong_usage(folder, words, capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        bidl("info", "a.nir", *words)
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_the_table_names_every_option_of_every_format() -> None:
    def names(*tables):
        return {option.name for table in tables for group in table.values() for option in group}

    assert names(READ) == {name for f in FORMATS.values() for name in f.options}
    assert names(READ, WRITTEN) >= {name for f in FORMATS.values() for name in f.writes}
    assert names(WRITTEN) <= {name for f in FORMATS.values() for name in f.writes}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.__name__.rpartition(".")[2])
def test_every_command_that_is_given_a_model_takes_them(command) -> None:
    parser = command.add(argparse.ArgumentParser().add_subparsers())
    words = {word for action in parser._actions for word in action.option_strings or [action.dest]}
    assert ("model" in words) == ("--num-layers" in words)
