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


def python(*words: str, cwd: Path) -> str:
    """What a Python process prints, on a fresh interpreter that sees the checkout."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.stem)
def test_an_example_prints_what_it_says(example: Path, tmp_path) -> None:
    assert python(str(example), cwd=tmp_path) == example.with_suffix(".out").read_text()


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
