"""A new neuron takes one file and one line: those of the page for developers, in a copy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

PAGE = ROOT / "docs" / "developer" / "adding-a-process.md"
FOLDERS = ("processes", "trainers", "netx")


@pytest.fixture(scope="module")
def blocks() -> list[str]:
    """The file, the line, and a program that uses both."""
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.S | re.M)


@pytest.fixture(scope="module")
def copy(tmp_path_factory, blocks) -> Path:
    """The library and its tests, with the neuron of the page added."""
    folder = tmp_path_factory.mktemp("copy")
    skip = shutil.ignore_patterns("__pycache__", *FOLDERS)
    shutil.copytree(ROOT / "bidl_sim", folder / "bidl_sim", ignore=skip)
    for name in FOLDERS:
        shutil.copytree(
            ROOT / name, folder / "bidl_sim" / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", folder)
    file, line, _ = blocks
    processes = folder / "bidl_sim" / "processes"
    module = re.search(r"from bidl_sim\.processes\.(\S+) import", line).group(1)
    (processes / f"{module.replace('.', '/')}.py").write_text(file)
    with (processes / "__init__.py").open("a") as names:
        names.write(line)
    return folder


def python(folder: Path, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_one_file_and_one_line(blocks) -> None:
    file, line, _ = blocks
    assert line.count("\n") == 1
    assert file.count("\nclass ") == 1
    assert "QuadraticLIF" not in (ROOT / "processes" / "__init__.py").read_text()


def test_it_trains_is_saved_and_runs_everywhere(copy, blocks) -> None:
    report = python(copy, "-c", blocks[2])
    runtimes = ("compiled kernels", "event engine", "unrolled torch module", "reloaded file")
    for runtime in runtimes:
        assert len(re.findall(rf"^{runtime} +float(?:32|64) +same", report, re.M)) == 2, report
    spikes = re.search(r"same +([\d,]+) ", report).group(1)
    assert int(spikes.replace(",", "")) > 100


def test_the_suites_find_it_and_it_passes(copy) -> None:
    suites = ("tests/contract", "tests/parity/test_kernels.py")
    output = python(copy, "-m", "pytest", *suites, "-vv", "-k", "QuadraticLIF")
    passed = re.findall(r"::(\w+)\[QuadraticLIF\] PASSED", output)
    wanted = {
        "test_every_runtime_gives_the_same_spikes",
        "test_a_saved_network_is_the_same_network",
        "test_reset_restores_the_declared_state",
        "test_a_run_in_pieces_is_one_run",
        "test_a_batch_of_three_is_three_runs",
        "test_both_schedules_train_alike",
        "test_nonsense_is_refused_at_construction",
        "test_names_every_member",
        "test_kernels_equal_the_eager_step",
    }
    assert wanted <= set(passed), output
