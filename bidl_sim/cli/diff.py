"""``bidl diff``: what makes two model files different."""

from __future__ import annotations

import argparse
from typing import Any


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "diff", help="the first difference of two models; --all for every one"
    )
    parser.add_argument("model")
    parser.add_argument("other")
    parser.add_argument("--all", action="store_true", help="print every difference")
    return parser


def run(options: argparse.Namespace) -> int:
    """Print differences; exit code 1 if there are any."""
    from bidl_sim import netx
    from bidl_sim.netx.diff import differences

    found = list(differences(netx.load(options.model), netx.load(options.other)))
    for line in found if options.all else found[:1]:
        print(line)
    if not found:
        print("no difference")
    elif len(found) > 1 and not options.all:
        print(f"and {len(found) - 1} more")
    return int(bool(found))
