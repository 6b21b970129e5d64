"""Arrays that are sent."""

from __future__ import annotations

from typing import Any

import numpy as np

from bidl_sim.errors import ShapeError
from bidl_sim.lava.process import AbstractProcess
from bidl_sim.lava.var import HostVar
from bidl_sim.typing import Array


class RingBuffer(AbstractProcess):
    """Sends ``data[..., t]`` in step t, and begins again at the end.

    Parameters
    ----------
    data : (x, y, channel, time) or (n, time)
    """

    def __init__(self, *, data: Any, name: str | None = None) -> None:
        super().__init__(name)
        array = np.array(data, np.float64)
        if array.ndim < 2 or not array.size:
            raise ShapeError(
                f"{self.name}, data", f"must have time last and not be empty, got {array.shape}"
            )
        self.data = HostVar(self, self.name, "data", array.shape, array)
        self.s_out = self.feed("s_out", array.shape[:-1], self._values)

    def _values(self, first: int, steps: int) -> Array:
        columns = self.data.value.T
        return columns[np.arange(first, first + steps) % len(columns)]
