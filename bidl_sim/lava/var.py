"""Variables of Lava's processes: ``get``, ``set`` and, before a run, ``init``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bidl_sim.core.param import spread_view
from bidl_sim.core.process import Process
from bidl_sim.errors import ShapeError
from bidl_sim.lava.member import Member
from bidl_sim.typing import Array


@dataclass(eq=False, repr=False)
class Var(Member):
    """A state or parameter of one of our processes.

    Lava's number is ``scale`` times ours, plus ``shift``.
    """

    part: Process
    member: str
    scale: float = 1.0
    shift: float = 0.0

    def get(self, idx: Any = None) -> Array:
        """The value now, or of the places ``idx``: whole numbers with Lava's axes."""
        runtime = self.process.runtime
        value = self.init if runtime is None else self._lava(runtime.read(self.part, self.member))
        return value if idx is None else value[idx]

    def set(self, value: Any, idx: Any = None) -> None:
        """Change the value, between runs or before the first; ``idx`` as in `get`."""
        if idx is not None:
            whole = self.get()
            whole[idx] = value
            value = whole
        if self.process.runtime is None:
            self.init = value
        else:
            self.process.runtime.write(self.part, self.member, self._ours(value))

    @property
    def init(self) -> Array:
        """The value at the beginning, which may be changed before the first run."""
        given = {**self.part.parameters(), **(self.part.initial or {})}
        return self._lava(given.get(self.member, np.zeros(())))

    @init.setter
    def init(self, value: Any) -> None:
        ours = self._ours(value)
        if self.member in self.part.param_specs:
            setattr(self.part, self.member, ours)
        else:
            self.part.initial = {**(self.part.initial or {}), self.member: ours}

    def _lava(self, value: Array) -> Array:
        assert self.shape is not None
        ours = self.shape[::-1]
        view = value.reshape(spread_view(value.shape, ours)) if value.ndim else value
        whole = np.broadcast_to(view, ours).T * self.scale + self.shift
        return np.rint(whole).astype(np.int64)

    def _ours(self, value: Any) -> Array:
        assert self.shape is not None
        given = (np.asarray(value, np.float64) - self.shift) / self.scale
        if given.size == 1:
            return given.reshape(())
        if given.shape != self.shape:
            raise ShapeError(str(self), f"must be of shape {self.shape}, got {given.shape}")
        return given.T


@dataclass(eq=False, repr=False)
class HostVar(Member):
    """An array that a process keeps by itself."""

    value: Array

    def get(self, idx: Any = None) -> Array:
        """A copy, of the places ``idx`` if given."""
        return np.array(self.value if idx is None else self.value[idx])

    def set(self, value: Any, idx: Any = None) -> None:
        """Change the values, at the places ``idx`` if given."""
        self.value[... if idx is None else idx] = value

    @property
    def init(self) -> Array:
        """The same as `get`."""
        return self.get()

    @init.setter
    def init(self, value: Any) -> None:
        self.set(value)
