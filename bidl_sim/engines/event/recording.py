"""What a loop writes down of every step, for outputs and probes."""

from __future__ import annotations

from typing import Any

import numpy as np

from bidl_sim.engines.event.loop import Loop

ROOM = 1 << 20
"""So many events are recorded before the loop is left to put them away."""


def keep(loop: Loop, path: str, values: str, dtype: Any) -> None:
    """Record all values of this step; of a state in its own format."""
    if path not in loop.dense:
        kind, size = np.dtype(dtype), None
        if path in loop.states:
            state = loop.arrays[values]
            kind, size = state.dtype, state.size
        room = np.zeros((1, size or loop.size(path)), kind)
        loop.dense[path] = loop.argument(f"{path}.all", room)
    loop.write(f"copy({values}, {loop.dense[path]}[at + k])")


def note(loop: Loop, port: str, out: str, dtype: Any) -> None:
    """Record the events of this step."""
    size = loop.size(port)
    room = max(ROOM, 2 * size)
    names = [
        loop.workspace(f"{port}.{what}", room if what != "used" else 1, kind)
        for what, kind in (
            ("steps", np.int64),
            ("places", np.int32),
            ("sizes", dtype),
            ("used", np.int64),
        )
    ]
    loop.events.append(port)
    loop.guards += [f"if {names[3]}[0] + {size} > {room}:", "    return k, 0"]
    events = loop.name(f"{port}.events")
    loop.write(f"note(n_{events}, {events}, {out}, t, {', '.join(names)})")
