"""How much memory a training step takes: ``python -m bidl_sim.bench.peak WORK PEER``.

A process of its own imports, builds and makes the inputs, and gives free memory back; then the
system's record of the most memory that it held is set back to what it holds, three steps are done,
the first of which compiles, and the record's rise is printed in MB. So libraries and inputs do not
count; results, gradients, what is kept for the backward pass and what compiling needs do. PEER is
`ours` or the name of a peer. Linux only: elsewhere, and where the process fails, no figure.
"""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

OURS = "ours"
STEPS = 3


def rise(step: Callable[[], Any]) -> float:
    """MB by which doing a step three times raises the most memory held."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the record VmHWM begins anew
    before = _highest()
    for _ in range(STEPS):
        step()
    return _highest() - before


def _highest() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def in_a_child(work: str, peer: str) -> float | None:
    """As `rise`, of a training work in a new process."""
    command = [sys.executable, "-m", "bidl_sim.bench.peak", work, peer]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def _step(work: str, name: str) -> Callable[[], Any]:
    from bidl_sim.bench import training
    from bidl_sim.bench.peers.registry import TRAINERS

    if name == OURS:
        return training.WORKS[work]()[0]
    return next(p for p in TRAINERS if p.name == name).prepare(work).run


if __name__ == "__main__":
    print(rise(_step(*sys.argv[1:])))
