"""A peer in one comparison: getting ready, running in its turn, its figures."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

from bidl_sim.bench.peers.peer import Peer, Ready, Took

BUDGET = 20.0
"""A peer whose runs so far took so many seconds in all is not run again."""

ABSENT = "not installed"
UNABLE = "cannot do that"


class Entrant:
    """A peer at one work.

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
        self._ready: Ready | None = None
        if work not in peer.works:
            self.note = UNABLE
        elif peer.version is None:
            self.note = ABSENT
        else:
            try:
                self._ready = peer.prepare(work, *given)
            except Exception as error:
                self._fail(error)
            else:
                self.note, self.compile_s = self._ready.note, self._ready.compile_s

    def warm_up(self) -> None:
        """A first run, which counts as compiling."""
        if took := self._attempt():
            self.compile_s += took.seconds

    def run(self) -> None:
        """Run once, unless it failed or its time is used up."""
        if self._spent < BUDGET and (took := self._attempt()):
            self.took.append(took)

    def _attempt(self) -> Took | None:
        if self._ready is None:
            return None
        began = time.perf_counter()
        try:
            return self._ready.run()
        except Exception as error:
            self._fail(error)
            return None
        finally:
            self._spent += time.perf_counter() - began

    def _fail(self, error: Exception) -> None:
        reason = (str(error).strip().splitlines() or [""])[0]
        self.note = f"failed: {type(error).__name__}: {reason}".rstrip(": ")
        self._ready = None
        self.took = []

    def row(self, ours: Sequence[float]) -> dict[str, Any]:
        """Medians, beside the seconds of our runs in the same rounds."""
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
