"""All timesteps of a population in one compiled call, with its own backward pass."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from bidl_sim.core.process import Process
from bidl_sim.core.trace.kernels import HEAD, backward_source, forward_source
from bidl_sim.core.trace.step import Trace, trace
from bidl_sim.engines.kernels.compile import available, compiled
from bidl_sim.engines.torch.buffers import take
from bidl_sim.engines.torch.layout import in_order, is_batch_first
from bidl_sim.engines.torch.threads import in_threads, threads
from bidl_sim.errors import TraceError
from bidl_sim.typing import Array

KERNELS = ("auto", "fused", "eager")
WORTH_IT = 200_000
"""With "auto", a run of fewer values than this is not worth compiling for."""

COMPILED = (torch.float32, torch.float64)
"""Formats there are kernels for."""

LARGE = 256
"""Samples of so many neurons are run one by one where the batch lies first in memory."""

NARROW, WIDTH = 512, 1024
CACHE = 128 * 1024
"""A block is so many neurons wide; between the two, its stored states take at most CACHE bytes."""

Tensors = Sequence[Tensor]


class FusedStep:
    """The compiled kernels of one traced step.

    Calling it is like calling the step in a loop: sequences ``(time, batch, *shape)`` and first
    states ``(batch, *shape)`` in, output sequences and last states out. Gradients flow to all of
    them and to the parameters. The spikes are those of the eager step, bit for bit, wherever the
    step has arithmetic only; of ``exp`` and its kin the last bit may differ.

    ``kept`` are the states of which the values of all steps are wanted too.
    """

    def __init__(self, step: Trace, kept: tuple[str, ...] = ()) -> None:
        self.trace, self.kept = step, kept
        self.sequences = (*step.outputs, *kept)
        self.smooth = tuple(n for n, e in step.states.items() if e.kind == "float")
        self._kernels: dict[Any, Callable[..., Any]] = {}

    def __call__(
        self,
        inputs: Mapping[str, Tensor],
        states: Mapping[str, Tensor],
        parameters: Mapping[str, Tensor],
        dtype: torch.dtype,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Sequences and last states by name, computed in ``dtype``."""
        tensors = [inputs[n].to(dtype) for n in self.trace.inputs]
        tensors += [states[n] for n in self.trace.states]
        tensors += [parameters[n] for n in self.trace.parameters]
        results = _Fused.apply(self, *tensors)  # type: ignore[no-untyped-call]
        count = len(self.sequences)
        return (
            dict(zip(self.sequences, results[:count], strict=True)),
            dict(zip(self.trace.states, results[count:], strict=True)),
        )

    def forward(self, tensors: Tensors, batch_first: bool) -> list[Tensor]:
        """Sequences and last states from inputs, first states and parameters."""
        inputs, states, parameters = self.groups(tensors)
        shape, dtype = inputs[0].shape, inputs[0].dtype
        first = dict(zip(self.trace.states, states, strict=True))
        sequences = [
            _new(shape, first[n].dtype if n in first else dtype, batch_first)
            for n in self.sequences
        ]
        last = [torch.empty_like(state) for state in states]
        kernel = self._compiled("forward", dtype, _shared(self.trace, parameters), self.kept)
        arrays = [_rows(x, batch_first) for x in (*inputs, *sequences)]
        arrays += [_flat(x, batch_first) for x in (*states, *last)]
        arrays += _values(parameters, shape[1:])
        in_threads(lambda _, low, high: kernel(low, high, WIDTH, *arrays), math.prod(shape[1:]))
        return [*sequences, *last]

    def backward(
        self, tensors: Tensors, gradients: Tensors, wanted: Sequence[bool], batch_first: bool
    ) -> list[Tensor | None]:
        """Gradients of inputs, first states and the wanted parameters."""
        inputs, states, parameters = self.groups(tensors)
        shape, dtype = inputs[0].shape, inputs[0].dtype
        count = len(self.sequences)
        sequences = [in_order(g, batch_first) for g in gradients[:count] if g.is_floating_point()]
        last = [g.contiguous() for g in gradients[count:] if g.is_floating_point()]
        to_inputs = [_new(x.shape, dtype, batch_first) for x in inputs]
        to_states = {
            n: torch.empty_like(s)
            for n, s in zip(self.trace.states, states, strict=True)
            if n in self.smooth
        }
        named = zip(self.trace.parameters, parameters, wanted, strict=True)
        learned = {n: p for n, p, yes in named if yes}
        sums = {
            n: torch.zeros(threads(), dtype=torch.float64)
            if p.numel() == 1
            else torch.empty(tuple(shape[1:]), dtype=dtype)
            for n, p in learned.items()
        }
        kernel = self._compiled(
            "backward", dtype, _shared(self.trace, parameters), self.kept, tuple(learned)
        )
        arrays = [_rows(x, batch_first) for x in inputs]
        arrays += [_flat(x, batch_first) for x in states]
        arrays += [_rows(x, batch_first) for x in sequences]
        arrays += [_flat(x, batch_first) for x in last]
        arrays += [_rows(x, batch_first) for x in to_inputs]
        arrays += [_flat(x, batch_first) for x in to_states.values()]
        arrays += _values(parameters, shape[1:])
        arrays += [
            sums[n].numpy() if p.numel() == 1 else _flat(sums[n], batch_first)
            for n, p in learned.items()
        ]
        width = CACHE // (shape[0] * dtype.itemsize * max(1, len(states)))
        width = min(WIDTH, max(NARROW, width // 64 * 64))
        past = [
            [take((shape[0], width), s.dtype).numpy() for s in states] for _ in range(threads())
        ]

        def part(slot: int, low: int, high: int) -> None:
            kernel(slot, low, high, width, *arrays, *past[slot])

        in_threads(part, math.prod(shape[1:]))
        return [
            *to_inputs,
            *(to_states.get(n) for n in self.trace.states),
            *(
                _reduced(sums[n], p, shape[1:]) if n in sums else None
                for n, p in zip(self.trace.parameters, parameters, strict=True)
            ),
        ]

    def groups(self, tensors: Tensors) -> tuple[Tensors, Tensors, Tensors]:
        """Inputs, first states, parameters."""
        a = len(self.trace.inputs)
        b = a + len(self.trace.states)
        return tensors[:a], tensors[a:b], tensors[b:]

    def _compiled(self, kind: str, dtype: torch.dtype, *names: tuple[str, ...]) -> Any:
        """The kernel for which parameters are shared, which states kept, which values learned."""
        key = (kind, dtype, *names)
        if key not in self._kernels:
            head = HEAD.format(dtype=str(dtype).removeprefix("torch."))
            write: Any = {"forward": forward_source, "backward": backward_source}[kind]
            self._kernels[key] = compiled(f"{head}\n\n{write(self.trace, *names)}", kind)
        return self._kernels[key]


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, step: FusedStep, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.step = step
        inputs, states, parameters = step.groups(tensors)
        large = math.prod(inputs[0].shape[2:]) >= LARGE
        ctx.batch_first = large and is_batch_first(inputs[0])
        tensors = (
            *(in_order(x, ctx.batch_first) for x in inputs),
            *(x.contiguous() for x in (*states, *parameters)),
        )
        ctx.save_for_backward(*tensors)
        results = step.forward(tensors, ctx.batch_first)
        ctx.mark_non_differentiable(*(r for r in results if not r.is_floating_point()))
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        step: FusedStep = ctx.step
        wanted = ctx.needs_input_grad[1 + len(step.trace.inputs) + len(step.trace.states) :]
        return (None, *step.backward(ctx.saved_tensors, gradients, wanted, ctx.batch_first))


_known: WeakKeyDictionary[Process, dict[Any, FusedStep | None]] = WeakKeyDictionary()


def fused_step(process: Process, training: bool, kept: tuple[str, ...] = ()) -> FusedStep | None:
    """The kernels of a process, None if its step cannot be traced or nothing can compile it."""
    if not available():
        _warn_once("numba is not installed: populations run on slower, eager steps")
        return None
    known = _known.setdefault(process, {})
    key = (training, kept, frozenset(process.left_out), *process.options().items())
    if key not in known:
        try:
            known[key] = FusedStep(trace(process, training), kept)
        except TraceError:
            known[key] = None
    return known[key]


@cache
def _warn_once(message: str) -> None:
    warnings.warn(message, stacklevel=2)


def _new(shape: Sequence[int], dtype: torch.dtype, batch_first: bool) -> Tensor:
    """Memory for a sequence ``(time, batch, ...)``."""
    if batch_first:
        return take((shape[1], shape[0], *shape[2:]), dtype).transpose(0, 1)
    return take(shape, dtype)


def _rows(x: Tensor, batch_first: bool) -> Array:
    """``(sample, time, neuron)``; a batch that is not first lies among the neurons."""
    samples = x.transpose(0, 1) if batch_first else x[None]
    array: Array = samples.view(*samples.shape[:2], -1).numpy()
    return array


def _flat(x: Tensor, batch_first: bool) -> Array:
    """``(sample, neuron)``."""
    array: Array = x.view(len(x) if batch_first else 1, -1).numpy()
    return array


def _shared(step: Trace, parameters: Tensors) -> tuple[str, ...]:
    return tuple(n for n, p in zip(step.parameters, parameters, strict=True) if p.numel() == 1)


def _values(parameters: Tensors, shape: Sequence[int]) -> list[Any]:
    """Each parameter's values, and how many neurons in a row have the same."""
    return [part for p in parameters for part in (p.view(-1).numpy(), _repeat(p, shape))]


def _repeat(p: Tensor, shape: Sequence[int]) -> int:
    """Of a parameter per channel, the neurons of a channel; shapes are ``(batch, *shape)``."""
    return max(1, math.prod(shape[1:]) // p.numel()) if p.numel() > 1 else 1


def _reduced(sums: Tensor, p: Tensor, shape: Sequence[int]) -> Tensor:
    """A parameter's gradient from the sums of threads (shared) or of neurons."""
    if p.numel() == 1:
        total = sums.sum()
    else:
        total = sums.view(-1, p.numel(), _repeat(p, shape)).sum((0, 2))
    return total.to(p.dtype).view(p.shape)
