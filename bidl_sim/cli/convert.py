"""``bidl convert``: a model file in another format."""

from __future__ import annotations

import argparse
from typing import Any

from bidl_sim.cli.options import READ, WRITTEN, declare, given, shared


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "convert", help="write a model in another format"
    )
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--to", metavar="FORMAT", help="told by the suffix of OUT unless given")
    parser.add_argument(
        "--quantize", action="store_true", help="round a trained network to the numbers of lava-dl"
    )
    parser.add_argument("--data", metavar="DIR", help="recordings for accuracy with --quantize")
    parser.add_argument("--split", default="test", help="test (default) or train")
    declare(parser, READ, WRITTEN)
    return parser


def run(options: argparse.Namespace) -> int:
    """Write the file and say what is in it, what is not, and what rounding did."""
    from bidl_sim import netx
    from bidl_sim.netx.formats import format_of, format_to_write
    from bidl_sim.netx.lava.quantize import quantized

    known = format_of(options.model).options, format_to_write(options.out, options.to).writes
    said = given(options, READ, WRITTEN)
    reading, writing = shared(said, *zip((options.model, options.out), known, strict=True))
    before = netx.load(options.model, **reading)
    net = quantized(before) if options.quantize else before
    netx.save(net, options.out, format=options.to, **writing)
    written = format_of(options.out).name
    print(f"{options.model}: {format_of(options.model).name}")
    print(f"{options.out}: {written}, {len(net.build().processes)} processes")
    if written == "lava-dl" and (beside := [n for n in before.metadata if n != "lava"]):
        print(f"left out, as the format has no place for it: metadata {', '.join(beside)}")
    if options.quantize and "data" in before.metadata:
        from bidl_sim.cli.files import recorded_data

        recordings = recorded_data(options.model, options.data, options.split, **reading)
        first, last = (_accuracy(network, recordings) for network in (before, net))
        print(f"accuracy {100 * first:.2f} % before rounding, {100 * last:.2f} % after")
    return 0


def _accuracy(net: Any, recordings: Any) -> float:
    from bidl_sim.simulator import Simulator

    output = Simulator(net).run(recordings.frames, progress=False)
    scores = output.mean(1) if output.ndim == 3 else output
    return float((scores.argmax(1) == recordings.labels).mean())
