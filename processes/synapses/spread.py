"""Sparse connections on tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from bidl_sim.processes.synapses.sparse import Sparse


class Spread:
    """Weighted sums over synapses: ``(batch, in)`` to ``(batch, longest delay + 1, out)``.

    The place of a synapse in the result is its delay and its target.
    """

    def __init__(self, sparse: Sparse, offsets: Tensor) -> None:
        counts, device = offsets.diff(), offsets.device
        self.sources = torch.arange(len(counts), device=device).repeat_interleave(counts)
        targets = torch.from_numpy(sparse.targets.astype("int64")).to(device)
        delay = torch.from_numpy(sparse.delay.astype("int64")).to(device)
        self.places = delay * sparse.out_features + targets
        self.slots, self.out = sparse.longest_delay + 1, sparse.out_features

    def __call__(self, s_in: Tensor, weight: Tensor) -> Tensor:
        values = weight.expand(self.places.shape)
        size = self.slots * self.out
        result: Tensor = _Spread.apply(s_in, values, self.sources, self.places, size)  # type: ignore[no-untyped-call]
        return result.view(len(s_in), self.slots, self.out)

    def padded(self, pending: Tensor) -> Tensor:
        """What is pending, with nothing yet for the last slot."""
        return torch.nn.functional.pad(pending, (0, 0, 0, 1))


class _Spread(torch.autograd.Function):
    """A sparse product forward; backward, the entries of its pattern only."""

    @staticmethod
    def forward(
        ctx: Any, s_in: Tensor, values: Tensor, sources: Tensor, places: Tensor, size: int
    ) -> Tensor:
        ctx.save_for_backward(s_in, values, sources, places)
        return _product(places, sources, values, size, s_in)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor | None, ...]:
        s_in, values, sources, places = ctx.saved_tensors
        to_inputs = to_values = None
        if ctx.needs_input_grad[0]:
            to_inputs = _product(sources, places, values, s_in.shape[1], grad[0])
        if ctx.needs_input_grad[1]:
            to_values = torch.zeros_like(values)
            for sample, g in zip(s_in, grad[0], strict=True):  # one sample's memory at a time
                to_values += sample[sources] * g[places]
        return to_inputs, to_values, None, None, None


def _product(rows: Tensor, columns: Tensor, values: Tensor, size: int, x: Tensor) -> Tensor:
    """``(batch, size)``: x ``(batch, columns)`` times the matrix of these entries."""
    places = torch.stack([rows, columns])  # checked when the process was made
    shape = (size, x.shape[1])
    matrix = torch.sparse_coo_tensor(places, values, shape, check_invariants=False)
    product: Tensor = torch.sparse.mm(matrix, x.T)
    return product.T.contiguous()
