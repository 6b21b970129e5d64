"""Memory of an emulated device: bytes and places in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.typing import Array


@dataclass(eq=False)
class Block:
    """Bytes that were allocated together."""

    device: int
    data: Array
    freed: bool = False


@dataclass(frozen=True, eq=False)
class Memory:
    """An address on a device: a block of bytes from a place on."""

    block: Block
    offset: int = 0

    @classmethod
    def allocate(cls, device: int, size: int) -> Memory:
        """So many bytes, which hold nothing in particular: 0xFF, in fp16 not a number."""
        if size < 0:
            raise ParameterError("emulator, memory", f"must have a size of 0 or more, got {size}")
        return cls(Block(device, np.full(size, 0xFF, np.uint8)))

    @property
    def size(self) -> int:
        """Bytes from here to the end."""
        return len(self.block.data) - self.offset

    def at(self, offset: int) -> Memory:
        """The address so many bytes further on."""
        self.check(offset)
        return Memory(self.block, self.offset + offset)

    def bytes(self, size: int) -> Array:
        """The bytes from here on, to read and to write."""
        self.check(size)
        return self.block.data[self.offset : self.offset + size]

    def check(self, size: int) -> None:
        """Raise `ShapeError` where there are fewer bytes."""
        if not 0 <= size <= self.size:
            raise ShapeError("emulator, memory", f"has {self.size} bytes from here on, not {size}")


def flat_bytes(array: Array) -> Array:
    """The bytes of a host array, without a copy; it must be in C order."""
    if not array.flags.c_contiguous:
        raise ShapeError(
            "emulator, host array", "must be C-contiguous", "use numpy.ascontiguousarray"
        )
    return array.reshape(-1).view(np.uint8)
