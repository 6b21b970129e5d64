"""Each example runs and prints what its .out file says; the README's Python blocks run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def started(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A Python process that ended, on a fresh interpreter that sees the checkout."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "MPLBACKEND": "Agg"}
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True
    )


def python(*words: str, cwd: Path) -> str:
    """What such a process prints, if all is well."""
    done = started(*words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.stem)
def test_an_example_prints_what_it_says(example: Path, tmp_path) -> None:
    done = started(str(example), cwd=tmp_path)
    if done.stderr.startswith("this example needs "):
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert done.stdout == example.with_suffix(".out").read_text()


def test_a_custom_neuron_takes_less_than_thirty_lines() -> None:
    text = (ROOT / "examples" / "custom_neuron.py").read_text()
    body = re.search(r"^class AdaptiveLIF.*?(?=\n\n\n)", text, re.S | re.M)
    assert body
    assert len(body.group().splitlines()) < 30


def test_the_python_in_the_readme_runs(tmp_path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert len(blocks) >= 3
    (tmp_path / "readme.py").write_text("\n".join(blocks))
    python("readme.py", cwd=tmp_path)
