"""Where a simulation stands: its tensors, the step index, and the batch it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bidl_sim.errors import ShapeError, StateError
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from torch import Tensor


class RunState:
    """What a run goes on from.

    ``tensors`` are states, and parameters that processes write, by path: ``(batch, ...)``;
    histories of delayed ports have time before the batch. A single sample is a batch of one that is
    ``batched`` no further.
    """

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self.tensors = tensors
        self.t = 0
        self.batch, self.batched = 1, False

    def batch_axis(self, path: str) -> int:
        """Where the batch is among a tensor's axes."""
        return 1 if path.endswith((".history", ".arriving")) else 0

    def settle(self, batch: int, batched: bool) -> None:
        """Take the batch of a first input; later ones must keep it."""
        if (batch, batched) == (self.batch, self.batched):
            return
        if self.t or self.batched:
            raise StateError(
                "run",
                f"the state belongs to {_said(self.batch, self.batched)}, "
                f"the input is {_said(batch, batched)}",
                "call reset() before another batch",
            )
        self.batch, self.batched = batch, True
        for path, value in self.tensors.items():
            self.tensors[path] = value.repeat_interleave(batch, self.batch_axis(path))

    def as_arrays(self) -> dict[str, Array]:
        """Everything as arrays; a ``batch`` of 0 stands for a single sample."""
        arrays = {path: as_array(value) for path, value in self.tensors.items()}
        return {"t": np.array(self.t), "batch": np.array(self.batch * self.batched), **arrays}

    def load(self, arrays: Mapping[str, Any]) -> None:
        """Take what `as_arrays` gave; nothing changes unless all of it fits."""
        import torch

        wanted = {"t", "batch", *self.tensors}
        if set(arrays) != wanted:
            odd = sorted(wanted.symmetric_difference(arrays))
            raise StateError("load_state_dict", f"missing or unknown: {', '.join(odd)}")
        batch = int(arrays["batch"])
        loaded = {}
        for path, old in self.tensors.items():
            value = torch.as_tensor(np.array(arrays[path])).to(old.device, old.dtype)
            shape = list(old.shape)
            shape[self.batch_axis(path)] = max(batch, 1)
            if list(value.shape) != shape:
                raise ShapeError(
                    f"load_state_dict, {path!r}",
                    f"must have shape {tuple(shape)}, got {tuple(value.shape)}",
                )
            loaded[path] = value
        self.tensors, self.t = loaded, int(arrays["t"])
        self.batch, self.batched = max(batch, 1), batch > 0


def as_array(value: Tensor) -> Array:
    """A numpy array; bfloat16, which numpy lacks, becomes float32."""
    value = value.detach().cpu()
    array: Array = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    return array


def _said(size: int, batched: bool) -> str:
    return f"a batch of {size}" if batched else "a single sample"
