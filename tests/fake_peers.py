"""Peers of whom everything is known; in a module, because they run in another process."""

from __future__ import annotations

import itertools
import os
import time

from bidl_sim.bench.peers.peer import Peer, Ready, Took

SECONDS = itertools.cycle([3.0, 1.0, 5.0])


def steady(*_: object) -> Ready:
    """It says that it compiles for 0.5 s, builds for 0.25 s and takes the seconds above."""
    return Ready(run, 0.5, "another order")


def run() -> Took:
    return Took(next(SECONDS), 70, before=0.25)


def broken(*_: object) -> Ready:
    raise RuntimeError("no such device\ndetails")


def broken_later(*_: object) -> Ready:
    return Ready(broken)  # type: ignore[arg-type]


def crashing(*_: object) -> Ready:
    os._exit(1)


def slow(*_: object) -> Ready:
    return Ready(nap)


def nap() -> Took:
    time.sleep(0.2)
    return Took(0.2)


def fake(name: str, make=steady, package: str = "numpy", works=("chain", "lif")) -> Peer:
    """A peer that is installed, as numpy is."""
    return Peer(name, package, dict.fromkeys(works, make))


STEADY = fake("steady")
BROKEN = fake("broken", broken)
ABSENT = fake("absent", broken, package="no-such-simulator")
UNABLE = fake("unable", broken, works=("cuba",))
ALL = (STEADY, BROKEN, ABSENT, UNABLE)
