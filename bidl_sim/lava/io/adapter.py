"""What stands between a network and the world and passes values on in the same step."""

from __future__ import annotations

from bidl_sim.lava.port import InPort, OutPort
from bidl_sim.lava.process import AbstractProcess
from bidl_sim.processes import Activation
from bidl_sim.typing import Shape


class _Passing(AbstractProcess):
    """Base: sends what arrives."""

    def __init__(self, shape: Shape, into: str, out: str, name: str | None) -> None:
        super().__init__(name)
        self.shape = tuple(shape)
        same = Activation("identity")
        self.parts.append(same)
        self.entrance = InPort(self, self.name, into, self.shape, [(same.s_in, 0)])
        self.exit = OutPort(self, self.name, out, self.shape, same.a_out)


class BiasWriter(_Passing):
    """Makes what arrives in a step the bias mantissa of that step: ``bias_in``, ``bias_out``."""

    def __init__(self, shape: Shape, name: str | None = None) -> None:
        super().__init__(shape, "bias_in", "bias_out", name)
        self.bias_in, self.bias_out = self.entrance, self.exit


class _Adapter(_Passing):
    """Base: ``inp`` and ``out``."""

    def __init__(self, shape: Shape, name: str | None = None) -> None:
        super().__init__(shape, "inp", "out", name)
        self.inp, self.out = self.entrance, self.exit


class InputAdapter(_Adapter):
    """From the host to the network; ``inp`` and ``out``."""


class OutputAdapter(_Adapter):
    """From the network to the host; ``inp`` and ``out``."""
