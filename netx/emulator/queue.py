"""What streams were told and have not done yet, and the order in which it is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

import numpy as np

from bidl_sim.errors import StateError


class Code(IntEnum):
    """What a call returns. Zero is success; the other numbers are ours."""

    OK = 0
    NO_DEVICE = 1
    NO_MODEL = 2
    NO_MEMORY = 3
    NO_STATE = 4
    OTHER_DEVICE = 5


Handler: TypeAlias = Callable[["int | None", Code, str], None]
"""(number of the stream, code, message); no stream where the call was not queued."""


@dataclass(frozen=True)
class Command:
    """One entry of a stream. ``ready`` tells whether what it waits for has happened."""

    stream: int
    number: int
    what: str
    run: Callable[[], Code]
    ready: Callable[[], bool]


class Queue:
    """Commands of all streams. A stream's are done in order; nothing else is ordered.

    Parameters
    ----------
    order
        None: as submitted, as far as events allow. A seed: the next stream is drawn each time, so
        that whatever relies on an order that no event demands gets other data.
    """

    def __init__(self, order: int | None = None) -> None:
        self._streams: list[deque[Command]] = []
        self._failed: list[Code] = []
        self._rng = None if order is None else np.random.default_rng(order)
        self._count = 0
        self.handler: Handler | None = None

    def stream(self) -> int:
        """The number of a new stream."""
        self._streams.append(deque())
        self._failed.append(Code.OK)
        return len(self._streams) - 1

    def put(
        self,
        stream: int,
        what: str,
        run: Callable[[], Code],
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        """Add to the end of a stream."""
        self._streams[stream].append(Command(stream, self._count, what, run, ready))
        self._count += 1

    def finish(self, stream: int) -> Code:
        """Work until a stream is empty; the first error it had since it was last.

        Raises `StateError` where it waits for what can never happen.
        """
        while self._streams[stream]:
            ready = [waiting[0] for waiting in self._streams if waiting and waiting[0].ready()]
            if not ready:
                what = self._streams[stream][0].what
                raise StateError(f"stream {stream}", f"waits forever to {what}")
            command = self._chosen(ready)
            self._streams[command.stream].popleft()
            code = command.run()
            self._failed[command.stream] = self._failed[command.stream] or code
        failed, self._failed[stream] = self._failed[stream], Code.OK
        return failed

    def fail(self, stream: int | None, code: Code, message: str) -> Code:
        """Tell the handler of an error; returns its code."""
        if self.handler:
            self.handler(stream, code, message)
        return code

    def _chosen(self, ready: list[Command]) -> Command:
        if self._rng is None:
            return min(ready, key=lambda command: command.number)
        return ready[self._rng.integers(len(ready))]
