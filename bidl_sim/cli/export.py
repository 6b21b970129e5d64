"""``bidl export``: a model for another machine."""

from __future__ import annotations

import argparse
from typing import Any

from bidl_sim.cli.options import READ, declare, given


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "export", help="write a model for another machine"
    )
    parser.add_argument("model")
    parser.add_argument("--target", required=True, help="cpp, graph, lynxi or onnx")
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--steps", type=int, metavar="T", help="timesteps of a sample (lynxi)")
    parser.add_argument("--batch", type=int, metavar="B", help="samples at once (lynxi)")
    parser.add_argument("--input", metavar="X.npy", help="samples for the emulator (lynxi)")
    parser.add_argument(
        "--dtype", help="float32 (default) or float64 (cpp, onnx), or float16 (onnx)"
    )
    declare(parser, READ)
    return parser


def run(options: argparse.Namespace) -> int:
    """Write the files, name them, and say what one should know about them."""
    from bidl_sim import netx
    from bidl_sim.cli.files import read_array

    own: dict[str, Any] = {n: getattr(options, n) for n in ("steps", "batch", "dtype")}
    own["inputs"] = read_array(options.input) if options.input else None
    said = {name: value for name, value in own.items() if value is not None}
    net = netx.load(options.model, **given(options, READ))
    notes = netx.export(net, options.target, options.out, **said)
    print(f"{options.out}: {options.target}")
    for note in notes:
        print(f"note: {note}")
    return 0
