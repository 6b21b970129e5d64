"""One sample on its way through a loop."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bidl_sim.core.events import Events
from bidl_sim.engines.event.loop import Loop
from bidl_sim.typing import Array


class Course:
    """A sample's steps, of which ``done`` are done; ``due`` is the number of a call, 0 if none is.

    Parameters
    ----------
    inputs
        Values ``(time, batch, *shape)`` by path.
    state
        ``(batch, ...)`` by path, which the loop works on itself where it can; what arrives later
        has the batch second.
    kept
        Room for what is recorded of every step, ``(batch, time, size)`` by path.
    sample
        Its place in the batch.
    """

    def __init__(
        self,
        loop: Loop,
        inputs: Mapping[str, Array],
        state: Mapping[str, Array],
        kept: Mapping[str, Array],
        sample: int,
    ) -> None:
        self.loop, self.arrays = loop, dict(loop.arrays)
        self.done = self.due = 0
        self.found: dict[str, list[Events]] = {path: [] for path in loop.events}
        self._after: list[tuple[Array, Array]] = []
        for path, name in loop.inputs.items():
            values = inputs[path][:, sample]
            self.arrays[name] = np.ascontiguousarray(values.reshape(len(values), -1))
        for path, name in loop.states.items():
            transposed = path in loop.transposed
            self._own(name, state[path][sample].T if transposed else state[path][sample])
        for port, name in loop.rings.items():
            if port in loop.waiting:
                self._own(name, state[f"{port}.arriving"][:, sample])
            else:
                self.arrays[name] = np.zeros_like(loop.arrays[name])
        for path, name in loop.dense.items():
            self.arrays[name] = kept[path][sample]
        for path, name in loop.bases.items():
            self.arrays[name] = np.uint64(sample * loop.size(path))

    def go(self, t: int, steps: int, scratch: Mapping[str, Array]) -> None:
        """Go on with the ``steps`` steps from ``t``, to their end or to Python code that is due."""
        self.arrays.update(scratch)
        while self.done < steps:
            at, values = self.done, self.arrays.values()
            more, self.due = self.loop.function(t + at, at, steps - at, self.due, *values)
            self.done += more
            for path, found in self.found.items():
                found.append(self._put_away(path))
            if self.due:
                return
        for there, here in self._after:
            there[...] = here.reshape(there.shape)

    def _own(self, name: str, part: Array) -> None:
        """Let the loop work on a part of the state: on a copy where that is not in one piece."""
        here = np.ascontiguousarray(part)
        self.arrays[name] = here.reshape(self.loop.arrays[name].shape)
        if not np.may_share_memory(here, part):
            self._after.append((part, here))

    def _put_away(self, port: str) -> Events:
        """The events recorded since last time."""
        steps, places, sizes, used = (
            self.arrays[self.loop.name(f"{port}.{what}")]
            for what in ("steps", "places", "sizes", "used")
        )
        count = int(used[0])
        used[0] = 0
        return Events(steps[:count].copy(), places[:count].copy(), sizes[:count].copy())
