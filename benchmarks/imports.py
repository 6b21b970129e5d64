"""How long importing takes: python benchmarks/imports.py.

The median of several new interpreters, less that of an interpreter that imports nothing.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

STATEMENTS = (
    "import bidl_sim",
    "from bidl_sim import Network",
    "import bidl_sim.processes",
    "import bidl_sim.netx",
    "import bidl_sim.trainers",
)
RUNS = 9


def seconds(statement: str) -> float:
    """Median time of a new interpreter that runs one statement."""
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    nothing = seconds("pass")
    for statement in STATEMENTS:
        print(f"{statement:32s} {1000 * (seconds(statement) - nothing):7.0f} ms")
