"""Python code inside the network, for closed loops with the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Dims, Field, Int
from bidl_sim.core.forms import PythonCall
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process, State
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.run_state import as_array
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
    """Calls a Python function in every step, or in some, and sends its answer until the next.

    In step t::

        total = total + s_in
        if t % every == 0:
            answer, total = function(t, total), 0
        a_out = answer

    The function gets the step index and the sum of what arrived since its last call, this step
    included (of spikes, their counts), as an array ``(batch, *shape of s_in)``. It returns an array
    ``(batch, *shape)``: an environment that sees spikes and answers with currents, a stop rule, a
    printout. Put ``delay=1`` on one connection to close a loop through it; on the one to ``s_in``,
    a call sees all that was sent while the last answer held, and nothing else. States ``total`` and
    ``answer`` begin at 0. No gradient flows through it, and no file can hold it.

    Parameters
    ----------
    function : callable (t, array) -> array
    shape : int or tuple of int
        Shape of what it returns, without the batch axis.
    every : int, default 1
        It is called in the steps 0, every, 2 every, ...

    Ports
    -----
    s_in : any shape
    a_out : (*shape)
    """

    function: Function = Function()
    shape: Dims = Dims()
    every: Int = Int(1)

    s_in = In()
    a_out = Out()
    total = State(0.0, like="s_in")
    answer = State(0.0)
    has_side_effects = True

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        return {"a_out": Signal(self.shape)}

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> PythonCall:
        return PythonCall(self.call, self.every)

    def call(self, t: int, seen: Array) -> Array:
        """What the function answers, checked."""
        answer = np.asarray(self.function(t, seen))
        if answer.shape != (len(seen), *self.shape) or answer.dtype.kind not in "biuf":
            raise ShapeError(
                f"{self.where}, function",
                f"must return numbers of shape (batch, *{self.shape}), "
                f"returned shape {answer.shape}, dtype {answer.dtype}",
            )
        return answer

    def step(
        self, t: int, s_in: Tensor, total: Tensor, answer: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        import torch

        total = (total + s_in).detach()
        if t % self.every:
            return answer, total, answer
        found = self.call(t, as_array(total))
        answer = torch.tensor(found, device=s_in.device, dtype=s_in.dtype)
        return answer, torch.zeros_like(total), answer
