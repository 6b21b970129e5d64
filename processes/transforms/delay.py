"""Values that arrive later: axonal delay."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

import numpy as np

from bidl_sim.core.fields import Int, Real
from bidl_sim.core.forms import Rows
from bidl_sim.core.param import NON_NEGATIVE, Domain, Param, check_spread, spread_view
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process, State
from bidl_sim.processes.synapses.rows import one_to_one
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from torch import Tensor


class Delay(Process):
    """Sends on what it receives, so many steps later: ``s_out(t) = s_in(t - floor(delay))``.

    A delay that is learned gets the derivative of a value between two steps, found by linear
    interpolation: ``d s_out(t) / d delay = grad_scale (s_out(t - 1) - s_out(t))``.

    Parameters
    ----------
    delay : steps in [0, max_delay], default 1
        One number, one per channel or one per neuron. Fixed unless ``learn="delay"``.
    max_delay : int, default 62
        Learning keeps the delay within.
    grad_scale : >= 0, default 1

    Ports
    -----
    s_in, s_out : any shape

    State
    -----
    recent : the latest inputs, as many as the longest delay needs, or may come to need

    References
    ----------
    Shrestha and Orchard, SLAYER, NeurIPS 2018.
    """

    delay: Param = Param(1.0, within=NON_NEGATIVE, structural=True)
    _: KW_ONLY
    max_delay: Int = Int(62, low=0)
    grad_scale: Real = Real(1.0, low=0.0)

    s_in = In()
    s_out = Out()
    recent = State(0.0)

    def domain(self, name: str) -> Domain:
        return Domain(0.0, self.max_delay)

    def check_parameters(self, signal: Signal | None) -> None:
        if signal is not None:
            check_spread(f"{self.where}, delay", self.delay, signal.shape)

    def parameter_view(self, name: str, shape: Shape, signal: Signal) -> Shape:
        return spread_view(shape, signal.shape)

    @property
    def reach(self) -> int:
        """How many steps back an input may be needed."""
        if "delay" in self.learned:
            return self.max_delay + 1  # the gradient looks one step further
        return int(self.delay.max())

    def states(self, training: bool) -> tuple[str, ...]:
        return ("recent",) if self.reach else ()

    def state_shape(self, name: str, shape: Shape) -> Shape:
        return (self.reach, *shape)

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        steps = np.floor(parameters["delay"]).astype(np.int64)
        if steps.size > 1:
            seen = steps.reshape(spread_view(steps.shape, signal.shape))
            steps = np.broadcast_to(seen, signal.shape).ravel()
        return one_to_one(math.prod(signal.shape), np.ones(1), delay=steps)

    def step(self, s_in: Tensor, delay: Tensor, recent: Tensor | None) -> Any:
        s_out, recent = self.sequence(s_in.unsqueeze(0), delay, recent)
        return s_out[0].clone(), recent  # a view would keep all that is recent

    def sequence(
        self, s_in: Tensor, delay: Tensor, recent: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        import torch

        if recent is None:
            return s_in, None
        line = torch.cat([recent.transpose(0, 1), s_in])
        steps = delay.detach().floor().long()
        s_out = _earlier(line, len(s_in), steps)
        if delay.requires_grad:
            change = (_earlier(line, len(s_in), steps + 1) - s_out).detach()
            s_out = s_out + (delay - delay.detach()) * (self.grad_scale * change)
        return s_out, line[-self.reach :].transpose(0, 1)


def _earlier(line: Tensor, count: int, steps: Tensor) -> Tensor:
    """The last ``count`` values of ``(time, batch, ...)``, taken ``steps`` before."""
    import torch

    first = len(line) - count
    if steps.numel() == 1:
        start = first - int(steps)
        return line[start : start + count]
    now = torch.arange(first, len(line), device=line.device)
    when = now.view(-1, *[1] * (line.dim() - 1)) - steps
    return line.gather(0, when.expand(count, *line.shape[1:]))
