"""``bidl info``: what a model file holds."""

from __future__ import annotations

import argparse
import json
from typing import Any

from bidl_sim.cli.options import READ, declare, given


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser("info", help="what a model file holds")
    parser.add_argument("model")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    declare(parser, READ)
    return parser


def run(options: argparse.Namespace) -> int:
    """Print a table of processes, or JSON."""
    from bidl_sim.netx import info

    found = info(options.model, **given(options, READ))
    print(json.dumps(found.as_dict()) if options.json else found)
    return 0
