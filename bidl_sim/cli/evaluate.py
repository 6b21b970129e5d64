"""``bidl eval``: how well and how fast a model does on labelled recordings."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

BATCH = 50


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "eval", help="accuracy, speed and work on labelled recordings"
    )
    parser.add_argument("model")
    parser.add_argument("--data", metavar="DIR", help="folder or zip with test.txt and recordings")
    parser.add_argument("--split", default="test", help="test (default) or train")
    parser.add_argument("--target", default="sim", help="sim (default), event or gpu")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def run(options: argparse.Namespace) -> int:
    """Print accuracy, samples and steps per second, and synaptic operations."""
    from bidl_sim.cli.files import recorded_data

    recordings = recorded_data(options.model, options.data, options.split)
    found = evaluate(options.model, recordings, options.target)
    if options.json:
        print(json.dumps(found))
        return 0
    print(f"accuracy             {100 * found['accuracy']:.2f} %")
    print(f"                     {found['correct']} of {found['samples']} recordings")
    print(f"samples per second   {found['samples_per_second']:,.1f}")
    print(f"steps per second     {found['steps_per_second']:,.1f}")
    print(f"synaptic operations  {found['synaptic_operations']:,.0f} per recording")
    return 0


def evaluate(model: str, recordings: Any, target: str) -> dict[str, Any]:
    """Run all recordings; the figures as plain numbers.

    Speed is that of the network alone. A synaptic operation is a value that is not zero reaching
    a synapse (see `SynapticOperations`).
    """
    from bidl_sim import netx
    from bidl_sim.operations import SynapticOperations

    runtime = netx.Runtime(model, target)
    work = SynapticOperations(runtime.simulator)
    correct, operations, seconds = 0, 0, 0.0
    for first in range(0, len(recordings), BATCH):
        part = slice(first, first + BATCH)
        runtime.reset()
        began = time.perf_counter()
        output = runtime.run(recordings.frames[part])
        seconds += time.perf_counter() - began
        scores = output.mean(1) if output.ndim == 3 else output
        correct += int((scores.argmax(1) == recordings.labels[part]).sum())
        operations += work.count
    samples = len(recordings)
    return {
        "model": model,
        "target": target,
        "accuracy": correct / samples,
        "correct": correct,
        "samples": samples,
        "samples_per_second": samples / seconds,
        "steps_per_second": samples * recordings.frames.shape[1] / seconds,
        "synaptic_operations": operations / samples,
    }
