"""The C++ project of a network: its files, its program, its class; and what they refuse."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bidl_sim import Network, Simulator, netx
from bidl_sim.cli import main as bidl
from bidl_sim.errors import FormatError, ParameterError, StateError
from bidl_sim.netx import cpp
from bidl_sim.netx.cpp import export, program
from bidl_sim.netx.cpp.program import Program, missing_tools
from bidl_sim.netx.cpp.words import Names, comment, number, text
from bidl_sim.processes import (
    CUBA,
    LIF,
    ArraySource,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Flatten,
    Input,
    Poisson,
    Sparse,
    TimeMean,
)

needs_tools = pytest.mark.skipif(
    bool(missing_tools()), reason=f"nothing to build with: no {' and no '.join(missing_tools())}"
)

PLAIN = ("-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O0 -Wall -Wextra -Werror")

BEGIN = np.linspace(0.0, 0.4, 3 * 4 * 4).reshape(3, 4, 4)


def small(seed: int = 0) -> Network:
    return Network.sequential(
        Input((2, 4, 4)),
        *(Conv2d(2, 3, 3, padding=1), LIF(alpha=0.9, v_th=0.3, initial={"v": BEGIN})),
        *(AvgPool2d(2), Flatten(), Dense(12, 5), LIF(v_th=0.1), TimeMean()),
        seed=seed,
    )


@pytest.fixture(scope="module")
def built() -> Program:
    return Program(small(), "float64", options=PLAIN)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).poisson(0.6, (3, 7, 2, 4, 4)).astype(np.uint8)


def call(built: Program, *arguments: str | Path, weights: Path | None = None, stdin: bytes = b""):
    """Run the program; its exit code, what it says, and stdout."""
    command = [built.folder / "build" / "network", weights or built.folder / "weights.bin"]
    done = subprocess.run([*command, *arguments], input=stdin, capture_output=True)
    return done.returncode, done.stderr.decode(), done.stdout


# -- the program ---------------------------------------------------------------------------------


@needs_tools
def test_frames_of_a_file_give_rows_of_a_file(built, frames, tmp_path) -> None:
    """Several samples, each from the declared state; and one alone, with the last step only."""
    wanted = Simulator(small(), dtype="float64").run(frames)
    for values, shape in ((frames, (3, 7, 5)), (frames[0], (7, 5))):
        np.save(tmp_path / "in.npy", values)
        assert call(built, tmp_path / "in.npy", tmp_path / "out.npy") == (0, "", b"")
        rows = np.load(tmp_path / "out.npy")
        assert rows.shape == shape
        assert call(built, tmp_path / "in.npy", tmp_path / "last.npy", "--last") == (0, "", b"")
        last = np.load(tmp_path / "last.npy")
        np.testing.assert_array_equal(last, rows[..., -1, :])
        np.testing.assert_allclose(last, wanted[: len(last)] if values is frames else wanted[0])
    assert len(np.unique(wanted)) > 2


@needs_tools
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "i1", "i2", "u2", "i4", "i8", "bool"])
def test_frames_of_any_plain_type_are_read(built, frames, dtype, tmp_path) -> None:
    spikes = frames[0] > 0
    np.save(tmp_path / "in.npy", spikes.astype(dtype))
    assert call(built, tmp_path / "in.npy", tmp_path / "out.npy")[0] == 0
    np.save(tmp_path / "same.npy", spikes.astype(float))
    assert call(built, tmp_path / "same.npy", tmp_path / "again.npy")[0] == 0
    assert (tmp_path / "out.npy").read_bytes() == (tmp_path / "again.npy").read_bytes()


@needs_tools
def test_raw_frames_stream_through_and_carry_the_state_over(built, frames) -> None:
    """Without --steps a stream is one sample; with it the state is reset behind each."""
    raw = frames.astype(float).tobytes()
    code, said, sent = call(built, "-", "-", "--steps", "7", "--time", stdin=raw)
    assert code == 0
    assert re.fullmatch(r"21 steps, median [\d.]+ us, 99% below [\d.]+ us\n", said)
    rows = np.frombuffer(sent).reshape(3, 7, 5)
    last = np.frombuffer(call(built, "-", "-", "--steps", "7", "--last", stdin=raw)[2])
    np.testing.assert_array_equal(last.reshape(3, 5), rows[:, -1])
    carried = np.frombuffer(call(built, "-", "-", stdin=raw)[2]).reshape(3, 7, 5)
    np.testing.assert_array_equal(carried[0], rows[0])
    assert not np.array_equal(carried[1], rows[1])
    sim = Simulator(small(), dtype="float64")
    longer = [sim.run(sample) for sample in frames]
    np.testing.assert_allclose(carried[:, -1], longer)


@needs_tools
def test_a_row_is_sent_before_the_next_frame_comes(built, frames) -> None:
    command = [built.folder / "build" / "network", built.folder / "weights.bin", "-", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        for frame in frames[0, :3]:
            running.stdin.write(frame.astype(float).tobytes())
            running.stdin.flush()
            assert len(os.read(running.stdout.fileno(), 8 * 5)) == 8 * 5
        running.stdin.close()
        assert running.wait() == 0


def npy(values: np.ndarray) -> bytes:
    from io import BytesIO

    file = BytesIO()
    np.save(file, values)
    return file.getvalue()


FRAME = np.zeros((4, 2, 4, 4))

WRONG = {
    "shape": (npy(np.zeros((4, 2, 4, 5))), r"holds \(4,2,4,5,\), not .* of frames \(2,4,4,\)"),
    "axes": (
        npy(FRAME[0]),
        r"holds \(2,4,4,\), not \(time, \*frame\) or \(sample, time, \*frame\)",
    ),
    "more axes": (npy(FRAME[None, None]), r"holds \(1,1,4,2,4,4,\), not"),
    "order": (npy(np.asfortranarray(FRAME)), "is in Fortran's order"),
    "type": (npy(FRAME.astype(complex)), "holds numbers of a type that is not read; those are f4"),
    "short": (npy(FRAME)[:-8], r"ends within a frame: 248 of 256 bytes"),
    "long": (npy(FRAME) + b"1", "goes on behind its last frame"),
    "header": (npy(FRAME)[:50], "ends within its header"),
    "raw": (
        FRAME.tobytes()[:-1],
        r"ends within a frame: 255 of 256 bytes, for a frame is \(2,4,4,\)",
    ),
    "no numbers": (b"abc", r"ends within a frame: 3 of 256 bytes"),
}


@needs_tools
@pytest.mark.parametrize("name", WRONG)
def test_wrong_frames_end_with_a_reason(built, name) -> None:
    content, reason = WRONG[name]
    code, said, _ = call(built, "-", "-", stdin=content)
    assert code == 1
    assert re.match(f"network: stdin: {reason}", said), said


@needs_tools
def test_wrong_usage_and_missing_files_are_told_apart(built, tmp_path) -> None:
    code, said, _ = call(built, "-")
    assert (code, said.split("\n")[0][:40]) == (2, "usage: network WEIGHTS INPUT OUTPUT [--l")
    assert call(built, "-", "-", "--fast")[0] == 2
    assert call(built, "-", "-", "--steps", "x")[0] == 2
    assert call(built, tmp_path / "none.npy", "-")[:2] == (
        1, f"network: {tmp_path}/none.npy: cannot be opened\n",
    )  # fmt: skip
    assert call(built, "-", tmp_path / "no" / "out")[:2] == (
        1, f"network: {tmp_path}/no/out: cannot be written\n",
    )  # fmt: skip


# -- the weights ---------------------------------------------------------------------------------


@needs_tools
def test_weights_trained_further_fit_the_same_code(built, frames, tmp_path) -> None:
    export(small(seed=1), tmp_path / "other", "float64")
    for name in ("model.cpp", "model.hpp"):
        assert (tmp_path / "other" / name).read_text() == (built.folder / name).read_text()
    np.save(tmp_path / "in.npy", frames)
    out = tmp_path / "out.npy"
    weights = tmp_path / "other" / "weights.bin"
    assert call(built, tmp_path / "in.npy", out, "--last", weights=weights)[0] == 0
    wanted = Simulator(small(seed=1), dtype="float64").run(frames)
    np.testing.assert_allclose(np.load(out), wanted)
    assert not np.allclose(wanted, Simulator(small(), dtype="float64").run(frames))


@needs_tools
def test_weights_that_do_not_belong_or_are_damaged_are_refused(built, tmp_path) -> None:
    own = (built.folder / "weights.bin").read_bytes()
    other_threshold = small()
    next(p for p in other_threshold.processes.values() if isinstance(p, LIF)).v_th = 0.4
    export(other_threshold, tmp_path / "other", "float64")
    wrong = {
        "belongs to other code": (tmp_path / "other" / "weights.bin").read_bytes(),
        "is no file of weights": b"PK" + own[2:],
        "ends too early": own[:-1],
        "is longer than it should be": own + b"\0",
        "is damaged: its numbers have another checksum": own[:-1] + bytes([own[-1] ^ 1]),
    }
    for reason, content in wrong.items():
        (tmp_path / "weights.bin").write_bytes(content)
        code, said, _ = call(built, "-", "-", weights=tmp_path / "weights.bin")
        assert code == 1
        assert said.startswith(f"network: weights: the file {reason}"), said
    code, said, _ = call(built, "-", "-", weights=tmp_path / "none")
    assert (code, said) == (1, f"network: weights: cannot open {tmp_path}/none\n")


# -- the class -----------------------------------------------------------------------------------

USER = """
#include <cassert>
#include <fstream>
#include <iostream>
#include <sstream>
#include "model.hpp"
#undef NDEBUG

int main() {
  std::ifstream file("weights.bin", std::ios::binary);
  std::stringstream embedded;
  embedded << file.rdbuf();
  model::Network network(embedded), other("weights.bin");
  const std::vector<double> frame(32, 1.0);
  const model::Outputs out = network.step({frame.data()});
  assert(out.timemean1_a_out[0] >= 0);
  for (const State& state : network.states()) {
    std::cout << state.name << ' ' << state.shape.size();
    for (const double value : state.read()) std::cout << ' ' << value;
    std::cout << std::endl;
  }
  const auto begin = other.states()[0].read();
  assert(begin != network.states()[0].read());
  network.states()[0].write(begin);
  assert(begin == network.states()[0].read());
  network.reset();
  for (std::size_t k = 0; k < other.states().size(); ++k)
    assert(network.states()[k].read() == other.states()[k].read());
  try {
    network.states()[0].write({1, 2});
  } catch (const std::invalid_argument& error) {
    std::cout << error.what() << std::endl;
  }
}
"""


@needs_tools
def test_states_are_read_and_written_by_name(built, tmp_path) -> None:
    """In the axes of Python, however they stand in memory."""
    (tmp_path / "user.cpp").write_text(USER)
    folder = built.folder
    command = ["c++", "-std=c++17", "-O0", f"-I{folder}", tmp_path / "user.cpp"]
    subprocess.run([*command, folder / "build" / "libmodel.a", "-o", tmp_path / "user"], check=True)
    said = subprocess.run(
        [tmp_path / "user"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    sim = Simulator(small(), dtype="float64")
    sim.step(np.ones((2, 4, 4)))
    for line, name in zip(said, ("lif1.v", "lif2.v", "timemean1.total"), strict=False):
        path, axes, *values = line.split()
        wanted = sim.read(name)
        assert (path, int(axes)) == (name, wanted.ndim)
        # six digits are printed
        np.testing.assert_allclose(np.array(values, float), wanted.ravel(), rtol=1e-5, atol=1e-9)
    assert said[-1] == "state lif1.v: has 48 values, got 2"


# -- the text ------------------------------------------------------------------------------------


def test_a_project_is_the_same_each_time(tmp_path) -> None:
    for name in ("a", "b"):
        export(small(), tmp_path / name)
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert files == [
        "CMakeLists.txt", "README.md", "frames.hpp", "kernels.hpp", "main.cpp", "model.cpp",
        "model.hpp", "states.hpp", "weights.bin", "weights.hpp",
    ]  # fmt: skip
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    said = "".join((tmp_path / "a" / name).read_text() for name in files if name != "weights.bin")
    assert "$" not in said.replace("${", "")


def test_the_command_line_writes_a_project(tmp_path, capsys) -> None:
    netx.save(small(), tmp_path / "small.net")
    command = ["export", f"{tmp_path / 'small.net'}", "--target", "cpp", "--out"]
    assert bidl([*command, f"{tmp_path / 'a'}"]) == 0
    cpp.export(small(), tmp_path / "b")
    for name in ("model.cpp", "weights.bin"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert bidl([*command, f"{tmp_path / 'c'}", "--steps", "3"]) == 1
    assert "netx.export, steps: is no option of cpp; those are: dtype, fold" in (
        capsys.readouterr().err
    )


def test_code_reads_like_the_equation(tmp_path) -> None:
    export(small(), tmp_path)
    code = (tmp_path / "model.cpp").read_text()
    assert "constexpr float lif1_alpha = 0.9f;" in code
    population = code[code.index("  // lif1: ") : code.index("  // avgpool2d1: ")]
    assert "//     u = v + a_in                      integrate" in population
    assert "const float lif1_s_out = cmp_and_fire(lif1_1, lif1_v_th);" in population
    assert population.count("for (") == 1
    assert "m.lif1_v[i] = " in population


def test_recorded_ports_are_outputs_and_normalisations_can_be_folded(tmp_path) -> None:
    norm = BatchNorm(var=[0.5, 1.0, 2.0])
    net = Network.sequential(Input(4), Dense(4, 3), norm, LIF(), Dense(3, 2), LIF())
    export(net, tmp_path, fold=True)
    assert "batchnorm1_scale" not in (tmp_path / "model.cpp").read_text()
    export(net, tmp_path, record=["lif1.s_out", "dense2.a_out"])
    assert "batchnorm1_scale" in (tmp_path / "model.cpp").read_text()
    header = (tmp_path / "model.hpp").read_text()
    for name in ("lif1_s_out;  // 3", "dense2_a_out;  // 2", "lif2_s_out;  // 2"):
        assert f"const float* {name}" in header


def test_many_zeros_among_weights_are_left_out(tmp_path) -> None:
    synapse = Sparse.fixed_probability(400, 300, 0.02, weight=0.4, seed=1)
    export(Network.sequential(Input(400), synapse, LIF()), tmp_path)
    assert "sparse_linear<400, 300>(" in (tmp_path / "model.cpp").read_text()
    assert (tmp_path / "weights.bin").stat().st_size < 400 * 300


def test_whole_numbers_are_computed_in_float64(tmp_path) -> None:
    net = Network.sequential(Input(3), CUBA(arithmetic="integer", wrap=True))
    export(net, tmp_path)
    assert "in float64" in (tmp_path / "model.hpp").read_text()


@needs_tools
def test_a_network_without_inputs_takes_a_number_of_steps() -> None:
    net = Network.sequential(ArraySource(np.eye(3)), LIF(alpha=0.5))
    alone = Program(net, options=PLAIN)
    (spikes,) = alone.run({}, 5).values()
    np.testing.assert_array_equal(spikes[0], Simulator(net).run(steps=5))
    assert call(alone, "many", "-")[:2] == (
        1, "network: many: must be a number of steps, for the network has no inputs\n",
    )  # fmt: skip


def test_what_cannot_be_said_is_refused(tmp_path, monkeypatch) -> None:
    with pytest.raises(FormatError, match=r"Poisson 'noise'.*draws random numbers"):
        export(Network.sequential(Poisson(5, rate=0.3, name="noise"), LIF()), tmp_path)
    with pytest.raises(ParameterError, match=r"dtype: must be of .*float64, got 'float16'"):
        export(small(), tmp_path, "float16")
    large = BatchNorm(weight=[1.0, 3e38], var=[1.0, 1e-4])
    with pytest.raises(FormatError, match=r"batchnorm1\.scale: holds numbers that float32 cannot"):
        export(Network.sequential(Input(2), large, LIF()), tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(FormatError, match="file: is a file; a program is a folder of several"):
        export(small(), tmp_path / "file")
    monkeypatch.setattr(program, "TOOLS", ("cmake", "no-such-compiler"))
    with pytest.raises(StateError, match="cannot be built: this machine has no no-such-compiler"):
        Program(small())


def test_names_are_identifiers_and_differ() -> None:
    names = Names()
    given = ["lif1.s_out", "lif1_s.out", "0.v", "ünd.v", "late", "double", "avg.pool", "a.__b"]
    found = [names[name] for name in given]
    assert found == [
        "lif1_s_out", "lif1_s_out_2", "n0_v", "nd_v", "late_out", "double_out", "avg_pool_2", "a_b",
    ]  # fmt: skip
    assert [names[name] for name in given] == found


def test_numbers_are_read_back_as_they_were() -> None:
    assert number(0.1, "float", "float32") == "0.1f"
    assert number(0.1, "float", "float64") == "0.1"
    assert number(2, "float", "float32") == "2.0f"
    assert number(-1e-30, "float", "float32") == "(-1e-30f)"
    assert number(float("-inf"), "float", "float64") == "(-std::numeric_limits<double>::infinity())"
    assert number(float("nan"), "float", "float32") == "std::numeric_limits<float>::quiet_NaN()"
    assert number(-3, "int", "float32") == "(-3)"
    assert number(-(2**63), "int", "float32") == "(-9223372036854775807 - 1)"
    assert number(True, "bool", "float32") == "true"


def test_texts_cannot_leave_their_place() -> None:
    assert text('a"b\\c?ü\n') == r'"a\042b\134c\077\303\274\012"'
    assert comment("one\ntwo */ \\", "three") == ["// one two */", "// three"]
