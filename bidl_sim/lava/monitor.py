"""Recordings of variables and ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bidl_sim.core.fields import as_int
from bidl_sim.errors import ParameterError, StateError
from bidl_sim.lava.port import OutPort
from bidl_sim.lava.process import AbstractProcess
from bidl_sim.lava.var import Var
from bidl_sim.probe import Probe
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bidl_sim.lava.runtime import Runtime


class Monitor(AbstractProcess):
    """Records variables and ports from the first step on."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self._targets: list[tuple[Var | OutPort, int]] = []
        self._probes: list[Probe] = []

    def probe(self, target: Var | OutPort, num_steps: int) -> None:
        """Record ``num_steps`` steps of a variable or a port, before the first run."""
        if not isinstance(target, (Var, OutPort)):
            raise ParameterError(
                f"{self.name}.probe", f"takes a variable of a neuron or an OutPort, got {target!r}"
            )
        if target.process.runtime or self.runtime:
            raise StateError(f"{self.name}.probe", f"{target} has run already", "probe before")
        self._targets.append((target, as_int(f"{self.name}.probe, num_steps", num_steps, 1)))
        self.join(target.process)

    def get_data(self) -> dict[str, dict[str, Array]]:
        """Values ``(num_steps, x, y, channel)`` by owner and name, 0 for steps not yet done."""
        found: dict[str, dict[str, Array]] = {}
        for number, (target, steps) in enumerate(self._targets):
            data = np.zeros((steps, *(target.shape or ())))
            if self._probes:
                done = self._probes[number].data[:steps]
                scale, shift = (
                    (target.scale, target.shift) if isinstance(target, Var) else (1.0, 0.0)
                )
                data[: len(done)] = np.moveaxis(done.T, -1, 0) * scale + shift
            found.setdefault(target.owner, {})[target.name] = data
        return found

    def plot(self, ax: Axes, target: Var | OutPort, *args: Any, **kwargs: Any) -> None:
        """Draw what was recorded of a target, a line for each neuron."""
        data = self.get_data()[target.owner][target.name]
        ax.plot(data.reshape(len(data), -1), *args, **kwargs)
        ax.set_xlabel("time step")
        ax.set_ylabel(target.name)

    def begin(self, runtime: Runtime) -> None:
        for target, _ in self._targets:
            if isinstance(target, Var):
                self._probes.append(runtime.probe(target.part, target.member))
            else:
                self._probes.append(runtime.probe(target.leaf.process, target.leaf.name))
