"""Variables that are set back."""

from __future__ import annotations

from bidl_sim.errors import StateError
from bidl_sim.lava.process import AbstractProcess, Phase
from bidl_sim.lava.var import Var


class Reset(AbstractProcess):
    """Sets a variable after steps offset, offset + interval, ..., in effect from the next on.

    Parameters
    ----------
    reset_value
    interval, offset : steps
    """

    def __init__(
        self,
        reset_value: float = 0,
        interval: int = 1,
        offset: int = 0,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.reset_value = reset_value
        self._var: Var | None = None
        self.phases.append(Phase(interval, offset, 1, self._reset))

    def connect_var(self, var: Var) -> None:
        """The variable to set."""
        self._var = var
        self.join(var.process)

    def _reset(self, t: int) -> None:
        if self._var is None:
            raise StateError(self.name, "sets no variable", "call connect_var")
        self._var.set(self.reset_value)
