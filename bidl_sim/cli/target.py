"""Where a model is run, and with which numbers."""

from __future__ import annotations

import argparse


def add_target(parser: argparse.ArgumentParser) -> None:
    """Declare the options that choose a runtime."""
    parser.add_argument(
        "--target",
        default="sim",
        help="sim (default), event, gpu, onnx, lynxi-emulator or lynxi",
    )
    parser.add_argument(
        "--dtype",
        help="float64, float32, float16 or bfloat16, if other than the target's own",
    )
