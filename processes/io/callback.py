"""Python code inside the network, for closed loops with the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Dims, Field
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from torch import Tensor

Called = Callable[[int, Array], Array]


class Function(Field[Called, Called]):
    """Something that can be called."""

    def convert(self, where: str, value: Called) -> Called:
        if not callable(value):
            raise ParameterError(where, f"must be callable, got {value!r}")
        return value


class Callback(Process):
    """Calls a Python function in every step: ``a_out = function(t, s_in)``.

    The function gets the step index and an array ``(batch, *shape of s_in)`` and returns an array
    ``(batch, *shape)``: an environment that sees spikes and answers with currents, a stop rule, a
    printout. Put ``delay=1`` on one connection to close a loop through it. No gradient flows
    through it, and no file can hold it.

    Parameters
    ----------
    function : callable (t, array) -> array
    shape : int or tuple of int
        Shape of what it returns, without the batch axis.

    Ports
    -----
    s_in : any shape
    a_out : (*shape)
    """

    function: Function = Function()
    shape: Dims = Dims()

    s_in = In()
    a_out = Out()
    has_side_effects = True

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        return {"a_out": Signal(self.shape)}

    def step(self, t: int, s_in: Tensor) -> Tensor:
        import torch

        seen = s_in.detach().cpu()
        seen = seen.float() if seen.dtype == torch.bfloat16 else seen
        answer = np.asarray(self.function(t, seen.numpy()))
        if answer.shape != (len(seen), *self.shape):
            raise ShapeError(
                f"{self.where}, function",
                f"must return shape (batch, *{self.shape}), returned {answer.shape}",
            )
        return torch.from_numpy(answer).to(s_in.device, s_in.dtype)
