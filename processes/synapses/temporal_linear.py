"""A linear map over time, with weights of its own for each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Int
from bidl_sim.core.forms import Rows
from bidl_sim.core.param import Param
from bidl_sim.core.port import Signal
from bidl_sim.core.process import State
from bidl_sim.errors import ShapeError
from bidl_sim.processes.synapses.rounded import RoundedSynapse
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from torch import Tensor


class TemporalLinear(RoundedSynapse):
    """Mixes the frames of the steps up to now: a map over time steps that looks back only.

    ``a_out[c](t) = sum over n <= t and m of weight[t, n, m] s_in[c + m - left](n)``

    with ``left = (kernel_size - 1) // 2``; beyond the ends of the axis there are zeros. It is
    torch's ``Conv1d(steps, steps, kernel_size, padding="same", bias=False)`` with the time steps as
    channels, and with kernel size 1 a ``Linear(steps, steps)`` over time, from which everything is
    left out that would need a later frame: what stands in ``weight`` for n > t has no effect. So
    each step's output is known in that step.

    After ``steps`` steps the last row goes on over the last ``steps`` frames, which then count as
    frames 0 to steps - 1.

    Parameters
    ----------
    steps : at least 2
    kernel_size : neighbours along the axis, default 1
    weight : (steps, steps, kernel_size), by step, frame and neighbour
    quantize
        See `RoundedSynapse`; each step's weights have a scale.

    Ports
    -----
    s_in, a_out : (channel,)

    State
    -----
    past : the last steps - 1 frames, the newest first
    """

    steps: Int = Int(low=2)
    kernel_size: Int = Int(1)
    weight: Param = Param(None, learned=True)

    past = State(0.0)

    @property
    def inputs_per_output(self) -> int:
        return self.steps * self.kernel_size

    @property
    def left(self) -> int:
        """How many neighbours before its own place a value sees."""
        return (self.kernel_size - 1) // 2

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        given = inputs.get("s_in")
        if given is None:
            return None
        if len(given.shape) != 1:
            raise ShapeError(
                f"{self.where}, s_in",
                f"takes (channel,), receives {given.shape}",
                "put GlobalAvgPool() or Flatten() before it",
            )
        return {"a_out": given}

    def parameter_shapes(self, signal: Signal | None) -> Mapping[str, Shape]:
        return {"weight": (self.steps, self.steps, self.kernel_size)}

    def by_output(self) -> tuple[Shape, Shape]:
        return self.weight.shape, (self.steps, 1, 1)

    def state_shape(self, name: str, shape: Shape) -> Shape:
        return (self.steps - 1, *shape)

    def fan_out(self, signal: Signal) -> Array:
        return np.bincount(self._pairs(signal.shape[0])[0]) * self.steps

    def _pairs(self, size: int) -> tuple[Array, Array, Array]:
        """Source, target and neighbour of all values that meet within a frame, by source."""
        source, tap = (x.ravel() for x in np.indices((size, self.kernel_size)))
        target = source + self.left - tap
        inside = (target >= 0) & (target < size)
        return source[inside], target[inside], tap[inside]

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Rows:
        source, target, tap = (x.repeat(self.steps) for x in self._pairs(signal.shape[0]))
        delay = np.tile(np.arange(self.steps), len(source) // self.steps)
        by_delay = np.zeros((self.steps, self.steps, self.kernel_size))
        for t, row in enumerate(self.effective_weight(parameters)):
            by_delay[t, : t + 1] = row[t::-1]
        offsets = np.concatenate([[0], np.cumsum(np.bincount(source))])
        return Rows(offsets, target.astype(np.int32), by_delay[:, delay, tap], delay)

    def bind_rows(self, parameters: Mapping[str, Tensor], training: bool) -> Sequence[Tensor]:
        """For each step its weights, those of the newest frame first."""
        rows = enumerate(self.effective_weight(parameters).unbind(0))
        return [row[: t + 1].flip(0) for t, row in rows]

    def step(
        self, s_in: Tensor, past: Tensor, rows: Sequence[Tensor], t: int
    ) -> tuple[Tensor, Tensor]:
        from torch import cat
        from torch.nn.functional import conv1d, pad

        frames = cat([s_in.unsqueeze(1), past], 1)
        row = rows[min(t, self.steps - 1)]
        seen = pad(frames[:, : len(row)], (self.left, self.kernel_size - 1 - self.left))
        return conv1d(seen, row.unsqueeze(0)).squeeze(1), frames[:, :-1]
