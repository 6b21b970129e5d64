"""Our populations under Lava's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bidl_sim.core.process import Process
from bidl_sim.lava.port import InPort, OutPort
from bidl_sim.lava.process import AbstractProcess
from bidl_sim.lava.var import Var
from bidl_sim.processes import CUBA, Delta, SigmaDelta
from bidl_sim.typing import Shape

Variables = Mapping[str, tuple[str, float, float]]
"""Lava's name, our name, and ``scale`` and ``shift`` of a `Var`."""

_LIF: Variables = {
    "vth": ("threshold", 1, 0),
    "du": ("current_decay", 4096, -1),  # Lava adds the 1 again
    "dv": ("voltage_decay", 4096, 0),
    "bias_mant": ("bias", 1, 0),
}


def variables(part: Process) -> Variables:
    """Variables of a population: its states, and parameters that Lava has a name for."""
    found = {name: (name, 1.0, 0.0) for name in part.states(training=False)}
    if isinstance(part, CUBA):
        return {**found, **_LIF}
    if isinstance(part, (Delta, SigmaDelta)):
        one = 2.0 ** (part.state_exp + part.spike_exp)
        found["vth"] = ("threshold", one, 0.0)
        if isinstance(part, SigmaDelta):
            found["bias"] = ("bias", one, 0.0)
    return found


class Neuron:
    """A population: its ports, ``s_out`` and mostly ``a_in``, and its variables by name.

    Those of LIF are u, v, vth, du, dv and bias_mant, those of sigma-delta neurons sigma, act,
    residue, vth and bias, those of resonators real and imag.
    """

    def __init__(self, process: AbstractProcess, name: str, part: Process, shape: Shape) -> None:
        self.name, self.shape, self.part = name, shape, part
        self._members: dict[str, Any] = {
            port: InPort(process, name, port, shape, [(into, 0)])
            for port, into in part.in_ports.items()
        }
        (sent,) = part.out_ports.values()
        self._members["s_out"] = OutPort(process, name, "s_out", shape, sent)
        parameters = part.parameters()
        for lava, (ours, scale, shift) in variables(part).items():
            value = parameters.get(ours)
            size = (1,) if value is not None and not value.ndim else shape
            self._members[lava] = Var(process, name, lava, size, part, ours, scale, shift)

    def __getattr__(self, name: str) -> Any:
        members = self.__dict__.get("_members", {})
        if name in members:
            return members[name]
        raise AttributeError(
            f"{self.__dict__.get('name')} has no {name!r}; has: {', '.join(members)}"
        )

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._members})
