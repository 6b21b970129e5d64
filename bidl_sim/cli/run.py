"""``bidl run``: a model on an array, from file to file."""

from __future__ import annotations

import argparse
from typing import Any

from bidl_sim.cli.options import READ, declare, given
from bidl_sim.cli.target import add_target


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser("run", help="run a model on an array")
    parser.add_argument("model")
    parser.add_argument(
        "--input", required=True, metavar="X.npy", help="(time, *shape) or (batch, time, *shape)"
    )
    parser.add_argument("--output", required=True, metavar="Y.npy")
    add_target(parser)
    declare(parser, READ)
    return parser


def run(options: argparse.Namespace) -> int:
    """Write the output of the model."""
    import numpy as np

    from bidl_sim import netx
    from bidl_sim.cli.files import read_array
    from bidl_sim.errors import DataError

    inputs = read_array(options.input)
    runtime = netx.Runtime(options.model, options.target, options.dtype, **given(options, READ))
    outputs = runtime.run(inputs)
    if not isinstance(outputs, np.ndarray):
        names = ", ".join(outputs) if outputs else "none"
        raise DataError(options.model, f"must have one output, has {names}")
    with open(options.output, "wb") as file:
        np.save(file, outputs)
    print(f"{options.output}: {'x'.join(map(str, outputs.shape))}")
    return 0
