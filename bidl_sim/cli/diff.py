"""``bidl diff``: what makes two model files different."""

from __future__ import annotations

import argparse
from typing import Any

from bidl_sim.cli.options import READ, declare, given, shared


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "diff", help="the first difference of two models; --all for every one"
    )
    parser.add_argument("model")
    parser.add_argument("other")
    parser.add_argument("--all", action="store_true", help="print every difference")
    declare(parser, READ)
    return parser


def run(options: argparse.Namespace) -> int:
    """Print differences; exit code 1 if there are any."""
    from bidl_sim import netx
    from bidl_sim.netx.diff import differences
    from bidl_sim.netx.formats import format_of

    paths = (options.model, options.other)
    said = shared(given(options, READ), *((path, format_of(path).options) for path in paths))
    networks = (netx.load(path, **own) for path, own in zip(paths, said, strict=True))
    found = list(differences(*networks))
    for line in found if options.all else found[:1]:
        print(line)
    if not found:
        print("no difference")
    elif len(found) > 1 and not options.all:
        print(f"and {len(found) - 1} more")
    return int(bool(found))
