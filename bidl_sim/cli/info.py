"""``bidl info``: what a model file holds."""

from __future__ import annotations

import argparse
import json
from itertools import zip_longest
from typing import Any

from bidl_sim.cli.options import READ, declare, given

MOST = 6
"""Lines for each format."""


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser("info", help="what a model file holds")
    parser.add_argument("model")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    declare(parser, READ)
    return parser


def run(options: argparse.Namespace) -> int:
    """Print a table of processes and what other formats would lose, or JSON."""
    from bidl_sim.netx import info

    found = info(options.model, **given(options, READ))
    if options.json:
        print(json.dumps(found.as_dict()))
        return 0
    print(found)
    print("\nas a file of")
    for name, lost in found.losses.items():
        shown = [*lost[:MOST], *([f"and {len(lost) - MOST} more"] if len(lost) > MOST else [])]
        for label, line in zip_longest([name], shown or ["the same network"], fillvalue=""):
            print(f"  {label:<{max(map(len, found.losses))}}  {line}")
    return 0
