"""``bidl bench``: how far from the limit of this machine."""

from __future__ import annotations

import argparse
import json
from typing import Any

SIMULATIONS = ("cuba", "cuba_16000", "stdp", "brunel", "chain")
TRAININGS = ("lif", "linear_lif", "convlif")
GPU = ("gpu",)


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "bench", help="speed beside loops written by hand for one network each"
    )
    choices = (*SIMULATIONS, *TRAININGS, *GPU, "all")
    parser.add_argument("name", nargs="?", default="all", choices=choices, metavar="NAME")
    parser.add_argument("--steps", type=int, help="shorter simulations")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.epilog = f"NAME: {', '.join(choices)}"
    return parser


def run(options: argparse.Namespace) -> int:
    """Measure one work after another and print a table, or JSON."""
    names = (*SIMULATIONS, *TRAININGS) if options.name == "all" else (options.name,)
    found = []
    for name in names:
        row = _measure(name, options.steps)
        found.append(row)
        if options.json:
            print(json.dumps(row), flush=True)
    if not options.json:
        print(_tables(found))
    return 0


def _measure(name: str, steps: int | None) -> dict[str, Any]:
    if name in GPU:
        from bidl_sim.bench import gpu

        return gpu.measure(name)
    if name in SIMULATIONS:
        from bidl_sim.bench import simulation

        return simulation.measure(name, steps)
    from bidl_sim.bench import training

    return training.measure(name)


def _tables(rows: list[dict[str, Any]]) -> str:
    from bidl_sim.table import table

    parts = []
    if simulated := [r for r in rows if "us_per_step" in r]:
        heads = ["simulation", "neurons", "synapses", "build", "compile", "run", "us/step", "limit"]
        lines = [[*heads, "ratio", "spikes", "Hz"]]
        for r in simulated:
            counts = (f"{r['neurons']:,}", f"{r['synapses']:,}")
            times = (f"{r[k]:.3f} s" for k in ("build_s", "compile_s", "seconds"))
            limit = (f"{r['us_per_step']:.1f}", f"{r['limit_s']:.3f} s")
            rest = (f"{r['ratio_to_limit']:.2f}", f"{r['spikes']:,}", f"{r['rate_hz']:.2f}")
            lines.append([r["work"], *counts, *times, *limit, *rest])
        parts.append(table(lines, left=1))
    if trained := [r for r in rows if "us_per_step" not in r]:
        lines = [["training step", "first", "median", "limit", "ratio"]]
        for r in trained:
            times = (f"{r[k]:.3f} s" for k in ("compile_s", "seconds", "limit_s"))
            lines.append([r["work"], *times, f"{r['ratio_to_limit']:.2f}"])
        parts.append(table(lines, left=1))
    return "\n\n".join(parts)
