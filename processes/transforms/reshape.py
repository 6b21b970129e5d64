"""The same values on other axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import MOST, Field, as_int
from bidl_sim.core.forms import Rows
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.processes.synapses.rows import one_to_one
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from torch import Tensor


class Sizes(Field["int | Iterable[int]", Shape]):
    """A shape, of which one axis may be -1: as long as the others leave it."""

    def convert(self, where: str, value: int | Iterable[int]) -> Shape:
        given = tuple(value) if isinstance(value, (tuple, list)) else (value,)
        sizes = tuple(as_int(where, size, -1, MOST) for size in given)
        if not sizes or 0 in sizes or sizes.count(-1) > 1:
            raise ParameterError(
                where, f"must be sizes of at least 1, one of which may be -1; got {value!r}"
            )
        return sizes


class Reshape(Process):
    """Other axes for the same values, the last axis fastest, as torch's ``reshape``.

    Parameters
    ----------
    shape : without batch and time; one axis may be -1

    Ports
    -----
    s_in : any shape
    a_out : ``shape``
    """

    shape: Sizes = Sizes()

    s_in = In()
    a_out = Out()

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        given = inputs.get("s_in")
        if given is None:
            return None
        total, known = math.prod(given.shape), math.prod(n for n in self.shape if n > 0)
        shape = tuple(total // known if n < 0 else n for n in self.shape)
        if math.prod(shape) != total:
            raise ShapeError(
                f"{self.where}, s_in",
                f"{given.shape} has {total} values, which do not fill the shape {self.shape}",
            )
        return {"a_out": Signal(shape, given.dtype, given.timed)}

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        return one_to_one(math.prod(signal.shape), np.ones(1))

    def step(self, s_in: Tensor) -> Tensor:
        return s_in.reshape(len(s_in), *self.shape)
