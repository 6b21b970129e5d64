"""``bidl convert``: a model file in another format."""

from __future__ import annotations

import argparse
from typing import Any


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
    return parser


def run(options: argparse.Namespace) -> int:
    """Write the file and say what is in it, what is not, and what rounding did."""
    from bidl_sim import netx
    from bidl_sim.netx.formats import format_of
    from bidl_sim.netx.lava.quantize import quantized

    given = netx.load(options.model)
    net = quantized(given) if options.quantize else given
    netx.save(net, options.out, format=options.to)
    written = format_of(options.out).name
    print(f"{options.model}: {format_of(options.model).name}")
    print(f"{options.out}: {written}, {len(net.build().processes)} processes")
    if written == "lava-dl" and (beside := [n for n in given.metadata if n != "lava"]):
        print(f"left out, as the format has no place for it: metadata {', '.join(beside)}")
    if options.quantize and "data" in given.metadata:
        from bidl_sim.cli.files import recorded_data

        data = recorded_data(options.model, options.data, options.split)
        before, after = (_accuracy(network, data) for network in (given, net))
        print(f"accuracy {100 * before:.2f} % before rounding, {100 * after:.2f} % after")
    return 0


def _accuracy(net: Any, recordings: Any) -> float:
    from bidl_sim.simulator import Simulator

    output = Simulator(net).run(recordings.frames, progress=False)
    scores = output.mean(1) if output.ndim == 3 else output
    return float((scores.argmax(1) == recordings.labels).mean())
