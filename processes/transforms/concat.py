"""Several branches side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bidl_sim.core.fields import Int
from bidl_sim.core.forms import Concatenation
from bidl_sim.core.port import Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from torch import Tensor

MOST = 1024


class Concat(Process):
    """Puts its inputs one after another along an axis, as torch's ``cat``.

    Parameters
    ----------
    inputs : 2 to 1024, default 2
        How many there are: ``s_in1``, ``s_in2``, ..., in ``Concat(2).ports``.
    axis : default 0, the channel

    Ports
    -----
    s_in1, s_in2, ... : equal shapes, but for the size of this axis
    a_out : the sizes of this axis added up
    """

    inputs: Int = Int(2, low=2)
    axis: Int = Int(0, low=0)

    a_out = Out()

    def __post_init__(self) -> None:
        if self.inputs > MOST:
            raise ParameterError(
                f"{self.where}, inputs", f"must be at most {MOST}, got {self.inputs}"
            )
        for number in range(len(self.in_specs) + 1, self.inputs + 1):
            self.add_input(f"s_in{number}")
        super().__post_init__()

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        if len(inputs) < self.inputs:
            return None
        first, axis = inputs["s_in1"].shape, self.axis
        for name, given in inputs.items():
            rest = given.shape[:axis] + given.shape[axis + 1 :]
            if len(given.shape) <= axis or rest != first[:axis] + first[axis + 1 :]:
                raise ShapeError(
                    f"{self.where}, {name}",
                    f"receives shape {given.shape}, s_in1 receives {first}",
                    f"they may differ in axis {axis} only",
                )
        size = sum(given.shape[axis] for given in inputs.values())
        timed = any(given.timed for given in inputs.values())
        return {"a_out": Signal((*first[:axis], size, *first[axis + 1 :]), timed=timed)}

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Concatenation:
        return Concatenation(self.axis)

    def step(self, **inputs: Tensor) -> Tensor:
        from torch import cat

        return cat(list(inputs.values()), 1 + self.axis)
