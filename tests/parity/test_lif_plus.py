"""The whole grid of LIF+, with the generated code run by Python; `CASES` holds compiled ones."""

from __future__ import annotations

import os
import subprocess
import sys

from conftest import ROOT


def test_the_whole_grid_simulates_trains_and_exports() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "parity/on_lif_plus_grid.py"],
        capture_output=True,
        text=True,
        cwd=ROOT / "tests",
        env={**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
