"""``bidl bench``: how far from the limit of this machine, and from others."""

from __future__ import annotations

import argparse
import json
from typing import Any

SIMULATIONS = ("cuba", "cuba_16000", "stdp", "brunel", "chain")
TRAININGS = ("lif", "linear_lif", "convlif")
GPU = ("gpu",)
RUNTIME = ("runtime",)


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "bench", help="speed beside loops written by hand for one network each, and beside others"
    )
    choices = (*SIMULATIONS, *TRAININGS, *GPU, *RUNTIME, "all")
    parser.add_argument("name", nargs="?", default="all", choices=choices, metavar="NAME")
    parser.add_argument("--model", help="of the runtimes; a convolutional network unless given")
    parser.add_argument("--steps", type=int, help="shorter simulations")
    parser.add_argument(
        "--peers", action="store_true", help="also other simulators and trainers, where installed"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.epilog = f"NAME: {', '.join(choices)}"
    return parser


def run(options: argparse.Namespace) -> int:
    """Measure one work after another and print a table, or JSON."""
    names = (*SIMULATIONS, *TRAININGS) if options.name == "all" else (options.name,)
    found = []
    for name in names:
        row = _measure(name, options)
        found.append(row)
        if options.json:
            print(json.dumps(row), flush=True)
    if not options.json:
        from bidl_sim.bench.report import report

        print(report(found))
    return 0


def _measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    steps, peers = options.steps, options.peers
    if name in RUNTIME:
        from bidl_sim.bench import latency

        return latency.measure(options.model, steps)
    if name in GPU:
        from bidl_sim.bench import gpu

        return gpu.measure(name)
    from bidl_sim.bench.peers import registry

    if name in SIMULATIONS:
        from bidl_sim.bench import simulation

        return simulation.measure(name, steps, registry.SIMULATORS if peers else ())
    from bidl_sim.bench import training

    return training.measure(name, registry.TRAINERS if peers else ())
