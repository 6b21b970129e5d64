"""A peer in one comparison: getting ready, running in its turn, its figures."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

from bidl_sim.bench.peers.peer import Peer, Ready, Took

BUDGET = 20.0
"""A peer whose runs so far took so many seconds in all is not run again."""

ABSENT = "not installed"
UNABLE = "cannot do that"

T = TypeVar("T")


class Entrant:
    """A peer at one work, in a process of its own: libraries of threads get in each other's way.

    What it raises becomes its note and ends its part; so does not being installed.

    Parameters
    ----------
    peer, work
        Who does what.
    given
        What the work is built from, see `Peer`.
    """

    def __init__(self, peer: Peer, work: str, *given: object) -> None:
        self.peer = peer
        self.note = ""
        self.compile_s = 0.0
        self.took: list[Took] = []
        self._spent = 0.0
        self._process: ProcessPoolExecutor | None = None
        if work not in peer.works:
            self.note = UNABLE
        elif peer.version is None:
            self.note = ABSENT
        else:
            self._process = ProcessPoolExecutor(1, get_context("spawn"))
            if told := self._done(_prepare, peer, work, *given):
                self.compile_s, self.note = told

    def warm_up(self) -> None:
        """A first run, which counts as compiling."""
        if took := self._done(_run):
            self.compile_s += took.seconds

    def run(self) -> None:
        """Run once, unless it failed or its time is used up."""
        if self._spent < BUDGET and (took := self._done(_run)):
            self.took.append(took)

    def finish(self, ours: Sequence[float]) -> dict[str, Any]:
        """End the process; medians, beside the seconds of our runs in the same rounds."""
        self._end()
        found: dict[str, Any] = {
            "peer": self.peer.name,
            "version": self.peer.version,
            "seconds": None,
            "ratio_to_ours": None,
            "spikes": None,
            "compile_s": None,
            "peak_memory_mb": None,
            "note": self.note,
        }
        if self.took:
            seconds = [t.seconds for t in self.took]
            found["seconds"] = statistics.median(seconds)
            found["ratio_to_ours"] = statistics.median(
                theirs / mine for theirs, mine in zip(seconds, ours, strict=False)
            )
            found["spikes"] = self.took[-1].spikes
            found["compile_s"] = self.compile_s + self.took[0].before
        return found

    def _done(self, task: Callable[..., T], *given: object) -> T | None:
        """What the process answers; None where there is none, or no more."""
        if self._process is None:
            return None
        began = time.perf_counter()
        try:
            return self._process.submit(task, *given).result()
        except BrokenProcessPool:
            self._fail("its process ended")
        except Exception as error:
            reason = (str(error).strip().splitlines() or [""])[0]
            self._fail(f"{type(error).__name__}: {reason}".rstrip(": "))
        finally:
            self._spent += time.perf_counter() - began if task is _run else 0.0
        return None

    def _fail(self, reason: str) -> None:
        self.note = f"failed: {reason}"
        self.took = []
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.shutdown()
            self._process = None


_ready: Ready
"""In the process of a peer, its work."""


def _prepare(peer: Peer, work: str, *given: object) -> tuple[float, str]:
    global _ready
    _ready = peer.prepare(work, *given)
    return _ready.compile_s, _ready.note


def _run() -> Took:
    return _ready.run()
