"""A population's timesteps on a GPU, compiled by Triton."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from bidl_sim.core.trace.step import Trace
from bidl_sim.core.trace.triton import CHUNK, HEAD, backward_source, forward_source
from bidl_sim.engines.kernels.compile import loaded
from bidl_sim.engines.torch.fused import Backward, Forward, FusedStep, repeat
from bidl_sim.engines.torch.layout import is_batch_first

WIDTH = 128
"""Neurons of a program."""

WARPS = 4
"""Groups of 32 threads that share them."""


class TritonStep(FusedStep):
    """A `FusedStep` whose neurons are shared among programs of `WIDTH` neurons.

    Raises `TraceError` if the step has an operation that Triton has no word for.
    """

    def __init__(self, step: Trace, kept: tuple[str, ...] = ()) -> None:
        super().__init__(step, kept)
        forward_source(step, ())

    def batch_first(self, sequence: Tensor) -> bool:
        return is_batch_first(sequence)

    def chunks(self, steps: int) -> int:
        return math.ceil(steps / CHUNK)

    def parts(self, neurons: int) -> int:
        return math.ceil(neurons / WIDTH)

    def empty(self, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
        return torch.empty(tuple(shape), dtype=dtype, device=device)

    def compile(self, kind: str, dtype: str, *names: Any) -> Any:
        write: Any = {"forward": forward_source, "backward": backward_source}[kind]
        return loaded(f"{HEAD.format(dtype=dtype)}\n\n{write(self.trace, *names, dtype)}", kind)

    def run_forward(self, call: Forward) -> None:
        shared, marked = self.shared(call.parameters), bool(call.marks)
        kernel = self.kernel("forward", call.inputs[0].dtype, shared, self.kept, marked)
        arrays = [*call.inputs, *call.sequences, *call.states, *call.last, *call.marks]
        self._launch(kernel, [*arrays, *_values(call)], call)

    def run_backward(self, call: Backward) -> None:
        shared, learned = self.shared(call.parameters), tuple(call.sums)
        kernel = self.kernel("backward", call.inputs[0].dtype, shared, self.kept, learned)
        arrays = [*call.inputs, *call.marks, *call.sequences, *call.last]
        arrays += [*call.to_inputs, *call.to_states]
        self._launch(kernel, [*arrays, *_values(call), *call.sums.values()], call)

    def _launch(self, kernel: Any, arguments: list[Any], call: Forward | Backward) -> None:
        """Start the programs; nothing is fused, so that every operation rounds as torch's does."""
        steps, batch, *shape = call.inputs[0].shape
        sample = math.prod(shape)
        strides = (sample, steps * sample) if call.batch_first else (batch * sample, sample)
        sizes = (steps, batch * sample, sample, *strides)
        with torch.cuda.device_of(call.inputs[0]):  # type: ignore[no-untyped-call]
            kernel[(self.parts(batch * sample),)](
                *arguments, *sizes, WIDTH=WIDTH, num_warps=WARPS, enable_fp_fusion=False
            )


def _values(call: Forward | Backward) -> list[Any]:
    """Each parameter's values; where neurons differ, how many in a row agree, and of how many."""
    shape = call.inputs[0].shape[1:]
    return [
        part
        for p in call.parameters
        for part in ((p,) if p.numel() == 1 else (p, repeat(p, shape), p.numel()))
    ]
