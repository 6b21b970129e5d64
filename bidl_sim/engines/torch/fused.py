"""All timesteps of a population in one compiled call, with its own backward pass."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from bidl_sim.core.trace.step import Trace
from bidl_sim.engines.torch.layout import in_order

KERNELS = ("auto", "fused", "eager")
WORTH_IT = 200_000
"""With "auto", a run of fewer values than this is not worth compiling for."""

COMPILED = (torch.float32, torch.float64)
"""Formats there are kernels for."""

Tensors: TypeAlias = Sequence[Tensor]


@dataclass(frozen=True)
class Forward:
    """What a forward kernel reads, and the memory it writes to: sequences, last states, marks."""

    inputs: Tensors
    states: Tensors
    parameters: Tensors
    sequences: Tensors
    last: Tensors
    marks: Tensors
    batch_first: bool


@dataclass(frozen=True)
class Backward:
    """What a backward kernel reads, and the memory for the gradients it writes.

    ``sums`` gives each learned parameter's memory: of a shared one a number for each part of the
    neurons, in float64; of the others a number for each neuron.
    """

    inputs: Tensors
    states: Tensors
    parameters: Tensors
    marks: Tensors
    sequences: Tensors
    last: Tensors
    to_inputs: Tensors
    to_states: Tensors
    sums: Mapping[str, Tensor]
    batch_first: bool


class FusedStep(ABC):
    """The compiled kernels of one traced step; a subclass writes, compiles and calls them.

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
        self._kernels: dict[Any, Any] = {}

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
        marked = torch.is_grad_enabled() and any(x.requires_grad for x in tensors)
        results = _Fused.apply(self, marked, *tensors)  # type: ignore[no-untyped-call]
        count = len(self.sequences)
        return (
            dict(zip(self.sequences, results[:count], strict=True)),
            dict(zip(self.trace.states, results[count:], strict=True)),
        )

    def forward(
        self, tensors: Tensors, batch_first: bool, marked: bool
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Sequences and last states; and, if ``marked``, what `backward` wants to be kept."""
        inputs, states, parameters = self.groups(tensors)
        shape, dtype = inputs[0].shape, inputs[0].dtype
        first = dict(zip(self.trace.states, states, strict=True))
        formats = [first[n].dtype if n in first else dtype for n in self.sequences]
        sequences = [self._new(inputs[0], form, batch_first) for form in formats]
        last = [torch.empty_like(state) for state in states]
        chunks = self.chunks(shape[0]) if marked else 0
        marks = [s.new_empty((chunks, *s.shape)) for s in states if chunks]
        self.run_forward(Forward(inputs, states, parameters, sequences, last, marks, batch_first))
        return [*sequences, *last], marks

    def backward(
        self,
        tensors: Tensors,
        marks: Tensors,
        gradients: Tensors,
        wanted: Sequence[bool],
        batch_first: bool,
    ) -> list[Tensor | None]:
        """Gradients of inputs, first states and the wanted parameters."""
        inputs, states, parameters = self.groups(tensors)
        shape, dtype = inputs[0].shape[1:], inputs[0].dtype
        count = len(self.sequences)
        arrived = [g for g in gradients[:count] if g.is_floating_point()]
        sequences = [self.arriving(g, batch_first) for g in arrived]
        last = [g.contiguous() for g in gradients[count:] if g.is_floating_point()]
        to_inputs = [self._new(x, dtype, batch_first) for x in inputs]
        named = zip(self.trace.states, states, strict=True)
        to_states = {n: torch.empty_like(s) for n, s in named if n in self.smooth}
        learned = zip(self.trace.parameters, parameters, wanted, strict=True)
        sums = {
            n: p.new_empty(self.parts(math.prod(shape)), dtype=torch.float64)
            if p.numel() == 1
            else p.new_empty(shape, dtype=dtype)
            for n, p, yes in learned
            if yes
        }
        self.run_backward(
            Backward(
                inputs,
                states,
                parameters,
                marks,
                sequences,
                last,
                to_inputs,
                [*to_states.values()],
                sums,
                batch_first,
            )
        )
        return [
            *to_inputs,
            *(to_states.get(n) for n in self.trace.states),
            *(
                _reduced(sums[n], p, shape) if n in sums else None
                for n, p in zip(self.trace.parameters, parameters, strict=True)
            ),
        ]

    def groups(self, tensors: Tensors) -> tuple[Tensors, Tensors, Tensors]:
        """Inputs, first states, parameters."""
        a = len(self.trace.inputs)
        b = a + len(self.trace.states)
        return tensors[:a], tensors[a:b], tensors[b:]

    def shared(self, parameters: Tensors) -> tuple[str, ...]:
        """Names of the parameters of which the population has one value."""
        named = zip(self.trace.parameters, parameters, strict=True)
        return tuple(n for n, p in named if p.numel() == 1)

    def kernel(self, kind: str, dtype: torch.dtype, *names: Any) -> Any:
        """A kernel, compiled when first asked for; ``names`` are what its source depends on."""
        key = (kind, dtype, *names)
        if key not in self._kernels:
            self._kernels[key] = self.compile(kind, str(dtype).removeprefix("torch."), *names)
        return self._kernels[key]

    @abstractmethod
    def batch_first(self, sequence: Tensor) -> bool:
        """Whether to run with the batch first in memory, for an input that lies as it does."""

    @abstractmethod
    def chunks(self, steps: int) -> int:
        """After how many times the states are kept for `backward`; 0 if it does without."""

    @abstractmethod
    def parts(self, neurons: int) -> int:
        """Into how many parts the neurons are divided, each with its own sums."""

    @abstractmethod
    def empty(self, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
        """Memory, its values undefined."""

    @abstractmethod
    def compile(self, kind: str, dtype: str, *names: Any) -> Any:
        """The kernel "forward" or "backward" of this step."""

    @abstractmethod
    def run_forward(self, call: Forward) -> None:
        """Fill sequences, last states and marks."""

    @abstractmethod
    def run_backward(self, call: Backward) -> None:
        """Fill the gradients and sums."""

    def arriving(self, gradient: Tensor, batch_first: bool) -> Tensor:
        """The gradient of a sequence as the backward kernel reads it."""
        return in_order(gradient, batch_first)

    def _new(self, like: Tensor, dtype: torch.dtype, batch_first: bool) -> Tensor:
        """Memory for a sequence ``(time, batch, ...)``."""
        steps, batch, *shape = like.shape
        if batch_first:
            return self.empty((batch, steps, *shape), dtype, like.device).transpose(0, 1)
        return self.empty(like.shape, dtype, like.device)


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, step: FusedStep, marked: bool, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.step, ctx.count = step, len(tensors)
        inputs, states, parameters = step.groups(tensors)
        ctx.batch_first = step.batch_first(inputs[0])
        tensors = (
            *(in_order(x, ctx.batch_first) for x in inputs),
            *(x.contiguous() for x in (*states, *parameters)),
        )
        results, marks = step.forward(tensors, ctx.batch_first, marked)
        ctx.save_for_backward(*tensors, *marks)
        ctx.mark_non_differentiable(*(r for r in results if not r.is_floating_point()))
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        step: FusedStep = ctx.step
        saved = ctx.saved_tensors  # once: under `segment` it runs the segment again
        tensors, marks = saved[: ctx.count], saved[ctx.count :]
        wanted = ctx.needs_input_grad[2 + len(step.trace.inputs) + len(step.trace.states) :]
        return (None, None, *step.backward(tensors, marks, gradients, wanted, ctx.batch_first))


def repeat(p: Tensor, shape: Sequence[int]) -> int:
    """Of a parameter per channel, the neurons of a channel; shapes are ``(batch, *shape)``."""
    return max(1, math.prod(shape[1:]) // p.numel()) if p.numel() > 1 else 1


def _reduced(sums: Tensor, p: Tensor, shape: Sequence[int]) -> Tensor:
    """A parameter's gradient from the sums of parts (shared) or of neurons."""
    total = sums.view(-1, p.numel(), repeat(p, shape)).sum((0, 2))
    return total.to(p.dtype).view(p.shape)
