"""A population's timesteps on the CPU, compiled by numba."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from bidl_sim.core.trace.kernels import HEAD, backward_source, forward_source
from bidl_sim.engines.kernels.compile import compiled
from bidl_sim.engines.torch.buffers import take
from bidl_sim.engines.torch.fused import Backward, Forward, FusedStep, repeat
from bidl_sim.engines.torch.layout import in_order, is_batch_first
from bidl_sim.engines.torch.threads import in_threads, parts, threads
from bidl_sim.typing import Array

LARGE = 256
"""Samples of so many neurons are run one by one where the batch lies first in memory."""

NARROW, WIDTH = 512, 1024
CACHE = 128 * 1024
"""A block is so many neurons wide; between the two, its stored states take at most CACHE bytes."""


class NumbaStep(FusedStep):
    """A `FusedStep` whose neurons are shared among threads."""

    def batch_first(self, sequence: Tensor) -> bool:
        return math.prod(sequence.shape[2:]) >= LARGE and is_batch_first(sequence)

    def chunks(self, steps: int) -> int:
        return 0

    def parts(self, neurons: int) -> int:
        return parts()

    def empty(self, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
        return take(shape, dtype)

    def compile(self, kind: str, dtype: str, *names: Any) -> Any:
        write: Any = {"forward": forward_source, "backward": backward_source}[kind]
        return compiled(f"{HEAD.format(dtype=dtype)}\n\n{write(self.trace, *names)}", kind)

    def arriving(self, gradient: Tensor, batch_first: bool) -> Tensor:
        """One that is the same in all steps, as after a sum over time, is kept as one step."""
        if gradient.stride(0) == 0:
            gradient = gradient[:1]
        return in_order(gradient, batch_first)

    def run_forward(self, call: Forward) -> None:
        shape, dtype = call.inputs[0].shape, call.inputs[0].dtype
        kernel = self.kernel("forward", dtype, self.shared(call.parameters), self.kept)
        arrays = [_rows(x, call) for x in (*call.inputs, *call.sequences)]
        arrays += [_flat(x, call) for x in (*call.states, *call.last)]
        arrays += _values(call)
        in_threads(lambda _, __, low, high: kernel(low, high, WIDTH, *arrays), math.prod(shape[1:]))

    def run_backward(self, call: Backward) -> None:
        shape, dtype = call.inputs[0].shape, call.inputs[0].dtype
        shared = self.shared(call.parameters)
        kernel = self.kernel("backward", dtype, shared, self.kept, tuple(call.sums))
        arrays = [_rows(x, call) for x in call.inputs]
        arrays += [_flat(x, call) for x in call.states]
        arrays += [_rows(x, call) for x in call.sequences]
        arrays += [_flat(x, call) for x in call.last]
        arrays += [_rows(x, call) for x in call.to_inputs]
        arrays += [_flat(x, call) for x in call.to_states]
        arrays += _values(call)
        for name, sums in call.sums.items():
            arrays.append(sums.zero_().numpy() if name in shared else _flat(sums, call))
        width = CACHE // (shape[0] * dtype.itemsize * max(1, len(call.states)))
        width = min(WIDTH, max(NARROW, width // 64 * 64))
        past = [
            [take((shape[0], width), s.dtype).numpy() for s in call.states]
            for _ in range(threads())
        ]

        def work(thread: int, part: int, low: int, high: int) -> None:
            kernel(part, low, high, width, *arrays, *past[thread])

        in_threads(work, math.prod(shape[1:]))


def _rows(x: Tensor, call: Forward | Backward) -> Array:
    """``(sample, time, neuron)``; a batch that is not first lies among the neurons."""
    samples = x.transpose(0, 1) if call.batch_first else x[None]
    array: Array = samples.view(*samples.shape[:2], -1).numpy()
    return array


def _flat(x: Tensor, call: Forward | Backward) -> Array:
    """``(sample, neuron)``."""
    array: Array = x.view(len(x) if call.batch_first else 1, -1).numpy()
    return array


def _values(call: Forward | Backward) -> list[Any]:
    """Each parameter's values, and how many neurons in a row have the same."""
    shape = call.inputs[0].shape[1:]
    return [part for p in call.parameters for part in (p.view(-1).numpy(), repeat(p, shape))]
