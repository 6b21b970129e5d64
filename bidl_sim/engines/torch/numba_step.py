"""A population's timesteps on the CPU, compiled by numba."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from bidl_sim.core.trace.kernels import HEAD, backward_source, forward_source
from bidl_sim.engines.kernels.compile import compiled
from bidl_sim.engines.torch.buffers import take
from bidl_sim.engines.torch.fused import Backward, Forward, FusedStep, Tensors, repeat
from bidl_sim.engines.torch.layout import is_batch_first
from bidl_sim.engines.torch.threads import in_threads, threads
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
        return threads()

    def empty(self, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
        return take(shape, dtype)

    def compile(self, kind: str, dtype: str, *names: Any) -> Any:
        write: Any = {"forward": forward_source, "backward": backward_source}[kind]
        return compiled(f"{HEAD.format(dtype=dtype)}\n\n{write(self.trace, *names)}", kind)

    def run_forward(self, call: Forward) -> None:
        shape, dtype = call.inputs[0].shape, call.inputs[0].dtype
        kernel = self.kernel("forward", dtype, self.shared(call.parameters), self.kept)
        groups = (call.inputs, call.sequences, call.states, call.last)
        samples = [
            [*map(_rows, (*i, *o)), *map(_flat, (*s, *e)), *_values(call.parameters, shape[1:])]
            for i, o, s, e in _samples(call.batch_first, *groups)
        ]
        _run(lambda _, low, high, arrays: kernel(low, high, WIDTH, *arrays), samples, shape)

    def run_backward(self, call: Backward) -> None:
        shape, dtype = call.inputs[0].shape, call.inputs[0].dtype
        shared, learned = self.shared(call.parameters), tuple(call.sums)
        kernel = self.kernel("backward", dtype, shared, self.kept, learned)
        for name in learned:
            if name in shared:
                call.sums[name].zero_()
        own = [sums for name, sums in call.sums.items() if name not in shared]
        arriving, found = (call.sequences, call.last), (call.to_inputs, call.to_states)
        samples = []
        groups = (call.inputs, call.states, *arriving, *found, own)
        for i, s, go, ge, gi, gs, mine in _samples(call.batch_first, *groups):
            rest = iter(mine)
            sums = [call.sums[n] if n in shared else next(rest) for n in learned]
            arrays = [*map(_rows, i), *map(_flat, s), *map(_rows, go), *map(_flat, ge)]
            arrays += [*map(_rows, gi), *map(_flat, gs), *_values(call.parameters, shape[1:])]
            samples.append([*arrays, *map(_flat, sums)])
        width = CACHE // (shape[0] * dtype.itemsize * max(1, len(call.states)))
        width = min(WIDTH, max(NARROW, width // 64 * 64))
        past = [
            [take((shape[0], width), s.dtype).numpy() for s in call.states]
            for _ in range(threads())
        ]
        _run(
            lambda slot, low, high, arrays: kernel(slot, low, high, width, *arrays, *past[slot]),
            samples,
            shape,
        )


def _samples(batch_first: bool, *groups: Tensors) -> Iterator[tuple[Tensors, ...]]:
    """Groups of tensors for each call of a kernel: the whole batch, or sample by sample.

    The first of them tells a sequence ``(time, batch, ...)`` from a state ``(batch, ...)``.
    """
    if not batch_first:
        yield groups
        return
    axes = groups[0][0].dim()
    for b in range(groups[0][0].shape[1]):
        yield tuple([x[:, b] if x.dim() == axes else x[b] for x in group] for group in groups)


def _run(
    work: Callable[[int, int, int, list[Any]], None], samples: list[list[Any]], shape: Sequence[int]
) -> None:
    """Call ``work(slot, low, high, arrays)`` for parts of the neurons of each sample."""
    total = math.prod(shape[1:])
    size = total // len(samples)

    def part(slot: int, low: int, high: int) -> None:
        for k in range(low // size, (high - 1) // size + 1):
            work(slot, max(low - k * size, 0), min(high - k * size, size), samples[k])

    in_threads(part, total)


def _rows(x: Tensor) -> Array:
    """``(time, neuron)``."""
    array: Array = x.view(len(x), -1).numpy()
    return array


def _flat(x: Tensor) -> Array:
    array: Array = x.view(-1).numpy()
    return array


def _values(parameters: Tensors, shape: Sequence[int]) -> list[Any]:
    """Each parameter's values, and how many neurons in a row have the same."""
    return [part for p in parameters for part in (_flat(p), repeat(p, shape))]
