"""Arrays that are filled."""

from __future__ import annotations

import numpy as np

from bidl_sim.core.fields import as_int
from bidl_sim.errors import StateError
from bidl_sim.lava.process import AbstractProcess, Phase
from bidl_sim.lava.var import HostVar, Var
from bidl_sim.typing import Array, Shape


class RingBuffer(AbstractProcess):
    """Keeps what arrives in step t in ``data[..., t]``, and begins again at the end.

    Parameters
    ----------
    shape
        Of what arrives, in Lava's order.
    buffer
        How many steps are kept.
    """

    def __init__(self, *, shape: Shape, buffer: int, name: str | None = None) -> None:
        super().__init__(name)
        self.shape = tuple(shape)
        size = (*self.shape, as_int(f"{self.name}, buffer", buffer, 1))
        self.data = HostVar(self, self.name, "data", size, np.zeros(size))
        self.a_in = self.take("a_in", self.shape, self._keep)

    def _keep(self, first: int, values: Array) -> None:
        kept = self.data.value.T
        last = values[-len(kept) :]
        end = first + len(values)
        kept[np.arange(end - len(last), end) % len(kept)] = last


class OutputReader(AbstractProcess):
    """Keeps all that arrives; ``data.get()`` has the shape of that, and time last."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.data = HostVar(self, self.name, "data", None, np.zeros(0))
        self.net_output_in = self.take("net_output_in", None, self._keep)

    def _keep(self, first: int, values: Array) -> None:
        before = self.data.value if first else values.T[..., :0]
        self.data.value = np.concatenate([before, values.T], -1)


class Read(AbstractProcess):
    """Keeps what a variable is after steps offset, offset + interval, ...

    Parameters
    ----------
    buffer
        How many values are kept; then it begins again.
    interval, offset : steps
    """

    def __init__(
        self, *, buffer: int, interval: int = 1, offset: int = 0, name: str | None = None
    ) -> None:
        super().__init__(name)
        size = (1, as_int(f"{self.name}, buffer", buffer, 1))
        self.buffer = buffer
        self.data = HostVar(self, self.name, "data", size, np.zeros(size))
        self._var: Var | None = None
        self._count = 0
        self.phases.append(Phase(interval, offset, 0, self._read))

    def connect_var(self, var: Var) -> None:
        """The variable to read."""
        self._var = var
        self.data.shape = (*(var.shape or ()), self.buffer)
        self.data.value = np.zeros(self.data.shape)
        self.join(var.process)

    def _read(self, t: int) -> None:
        if self._var is None:
            raise StateError(self.name, "reads no variable", "call connect_var")
        self.data.value[..., self._count % self.buffer] = self._var.get()
        self._count += 1
