"""Frames as differences."""

from __future__ import annotations

from enum import Enum

from bidl_sim.errors import ParameterError
from bidl_sim.lava.port import InPort, OutPort
from bidl_sim.lava.process import AbstractProcess
from bidl_sim.lava.var import Var
from bidl_sim.processes import Delay, Delta
from bidl_sim.typing import Shape


class Compression(Enum):
    """How numbers travel to a chip; here they don't, and all but the packed ones are the same."""

    DENSE = 0
    SPARSE = 1
    PACKED_4 = 2
    DELTA_SPARSE_8 = 3


class DeltaEncoder(AbstractProcess):
    """Sends how much a frame changed, one step later, as `bidl_sim.processes.Delta` does.

    Parameters
    ----------
    shape
        In Lava's order.
    vth
        The smallest change that is sent.
    spike_exp : default 0
        Frames are shifted left by so many bits.
    num_bits
        Refused: what is sent is not cut.
    compression : DENSE or SPARSE
    """

    def __init__(
        self,
        *,
        shape: Shape,
        vth: float,
        spike_exp: int = 0,
        num_bits: int | None = None,
        compression: Compression = Compression.DENSE,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        if num_bits is not None:
            raise ParameterError(f"{self.name}, num_bits", f"must be None, got {num_bits}")
        if compression not in (Compression.DENSE, Compression.SPARSE):
            raise ParameterError(
                f"{self.name}, compression", f"must be DENSE or SPARSE, got {compression}"
            )
        self.shape = tuple(shape)
        delta = Delta(
            shape=self.shape[::-1],
            threshold=vth,
            arithmetic="integer",
            state_exp=0,
            spike_exp=spike_exp,
        )
        later = Delay(1)
        delta.s_out.connect(later.s_in)
        self.parts += [delta, later]
        self.a_in = InPort(self, self.name, "a_in", self.shape, [(delta.a_in, 0)])
        self.s_out = OutPort(self, self.name, "s_out", self.shape, later.s_out)
        self.act = Var(self, self.name, "act", self.shape, delta, "act")
        self.residue = Var(self, self.name, "residue", self.shape, delta, "residue")
