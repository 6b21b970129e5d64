"""Where a model is run."""

from __future__ import annotations

import argparse


def add_target(parser: argparse.ArgumentParser) -> None:
    """Declare the option that chooses a runtime."""
    parser.add_argument(
        "--target",
        default="sim",
        help="sim (default), event, gpu, onnx, lynxi-emulator or lynxi",
    )
