"""``bidl eval``: how well and how fast a model does on labelled recordings."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bidl_sim.cli.options import READ, declare, given
from bidl_sim.cli.target import add_target

if TYPE_CHECKING:
    from bidl_sim.core.network import Network
    from bidl_sim.metrics import Workload

BATCH = 50


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "eval", help="accuracy, speed and work on labelled recordings"
    )
    parser.add_argument("model")
    parser.add_argument("--data", metavar="DIR", help="folder or zip with test.txt and recordings")
    parser.add_argument("--split", default="test", help="test (default) or train")
    add_target(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    declare(parser, READ)
    return parser


def run(options: argparse.Namespace) -> int:
    """Print accuracy, speed and work."""
    from bidl_sim.cli.files import recorded_data

    said = given(options, READ)
    recordings = recorded_data(options.model, options.data, options.split, **said)
    found = evaluate(options.model, recordings, options.target, dtype=options.dtype, **said)
    work = workload(options.model, recordings, options.target, **said)
    if options.json:
        operations = work.total.synaptic_operations
        print(json.dumps({**found, "synaptic_operations": operations, "work": work.as_dict()}))
        return 0
    print(f"accuracy             {100 * found['accuracy']:.2f} %")
    print(f"                     {found['correct']} of {found['samples']} recordings")
    print(f"samples per second   {found['samples_per_second']:,.1f}")
    print(f"steps per second     {found['steps_per_second']:,.1f}")
    print(f"synaptic operations  {work.total.synaptic_operations:,.0f} per recording")
    print(f"\nwork for a recording; memory in bytes\n\n{work}")
    return 0


def evaluate(model: str | Network, recordings: Any, target: str, **options: Any) -> dict[str, Any]:
    """Run all recordings in a `Runtime`; accuracy and speed as plain numbers."""
    from bidl_sim import netx

    runtime = netx.Runtime(model, target, **options)
    correct, seconds = 0, 0.0
    for part in _batches(recordings):
        runtime.reset()
        began = time.perf_counter()
        output = runtime.run(recordings.frames[part])
        seconds += time.perf_counter() - began
        scores = output.mean(1) if output.ndim == 3 else output
        correct += int((scores.argmax(1) == recordings.labels[part]).sum())
    samples = len(recordings)
    return {
        "model": str(model),
        "target": target,
        "accuracy": correct / samples,
        "correct": correct,
        "samples": samples,
        "samples_per_second": samples / seconds,
        "steps_per_second": samples * recordings.frames.shape[1] / seconds,
    }


def workload(model: str, recordings: Any, target: str, **options: Any) -> Workload:
    """The work of all recordings, in a run of its own, because counting takes time."""
    from bidl_sim import netx
    from bidl_sim.metrics import Workload

    simulated = target if target in ("sim", "event") else "sim"
    runtime = netx.Runtime(model, simulated, **options)
    work = Workload(runtime.simulator)
    for part in _batches(recordings):
        runtime.reset()
        runtime.run(recordings.frames[part])
    return work


def _batches(recordings: Any) -> Iterator[slice]:
    return (slice(first, first + BATCH) for first in range(0, len(recordings), BATCH))
