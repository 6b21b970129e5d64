"""The command line, ``bidl COMMAND``: one command a file.

Exit code 0 is good, 1 failed with a one-line reason, 2 is wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from bidl_sim import __version__
from bidl_sim.cli import (
    bench,
    convert,
    demo,
    diff,
    evaluate,
    export,
    info,
    quantize,
    run,
    train,
    verify,
)
from bidl_sim.errors import BidlError

COMMANDS = (demo, train, evaluate, run, info, verify, convert, quantize, export, diff, bench)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    # Threads that spin long while they wait make a busy machine many times slower. OpenMP reads
    # this when torch is imported, which happens in the commands.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    parser = argparse.ArgumentParser(
        prog="bidl", description="Spiking networks: train, export, simulate, verify."
    )
    parser.add_argument("--version", action="version", version=f"bidl_sim {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = command.add(commands)
        sub.set_defaults(command=command, parser=sub)
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command is not train:
        options.parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    try:
        return int(options.command.run(options))
    except BidlError as error:
        reason = str(error)
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except KeyboardInterrupt:
        reason = "interrupted"
    print(f"bidl: {reason}", file=sys.stderr)
    return 1
