"""``bidl verify``: every way to run a model gives the same spikes."""

from __future__ import annotations

import argparse
import json
from typing import Any

from bidl_sim.cli.options import READ, declare, given


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "verify", help="compare every way to run a model, spike by spike"
    )
    parser.add_argument("model")
    parser.add_argument("--input", metavar="X.npy", help="samples (batch, time, *shape)")
    parser.add_argument("--data", metavar="DIR", help="take the test recordings of a data set")
    parser.add_argument(
        "--layers", action="store_true", help="explain the emulator's distance, process by process"
    )
    parser.add_argument(
        "--no-cpp",
        dest="cpp",
        action="store_false",
        help="leave out the C++ program, which takes seconds to compile",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    declare(parser, READ)
    return parser


def run(options: argparse.Namespace) -> int:
    """Print a table of runtimes; 1 if one of them differs."""
    from bidl_sim import netx
    from bidl_sim.cli.files import read_array, recorded_data

    if options.input and options.data:
        options.parser.error("give --input or --data, not both")
    inputs, said = None, given(options, READ)
    if options.input:
        inputs = read_array(options.input)
    elif options.data:
        inputs = recorded_data(options.model, options.data, "test", **said).frames
    report = netx.verify(options.model, inputs, options.cpp, **said)
    print(json.dumps(report.as_dict()) if options.json else report)
    if options.layers:
        from bidl_sim.netx.emulator import distances

        print(f"\n{distances(netx.load(options.model, **said), inputs)}")
    return 0 if report.ok else 1
