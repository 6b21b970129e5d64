"""Sparse connections on tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from bidl_sim.processes.synapses.sparse import Sparse


class Spread:
    """Weighted sums over synapses: ``(batch, in)`` to ``(batch, longest delay + 1, out)``.

    The place of a synapse in the result is its delay and its target. Weights are ``(synapses,)``,
    or ``(batch, synapses)`` where each sample has learned its own.
    """

    def __init__(self, sparse: Sparse, offsets: Tensor) -> None:
        counts, device = offsets.diff(), offsets.device
        sources = torch.arange(len(counts), device=device).repeat_interleave(counts)
        targets = torch.from_numpy(sparse.targets.astype("int64")).to(device)
        delay = torch.from_numpy(sparse.delay.astype("int64")).to(device)
        self.entries = torch.stack([delay * sparse.out_features + targets, sources])
        self.slots, self.out = sparse.longest_delay + 1, sparse.out_features

    def __call__(self, s_in: Tensor, weight: Tensor) -> Tensor:
        size = self.slots * self.out
        if weight.dim() == 2:
            places, sources = self.entries
            empty = s_in.new_zeros(len(s_in), size)
            result = empty.index_add(1, places, weight * s_in[:, sources])
        else:
            values = weight.expand(self.entries.shape[1])
            result = _Spread.apply(s_in, values, self.entries, size)  # type: ignore[no-untyped-call]
        return result.view(len(s_in), self.slots, self.out)

    def padded(self, pending: Tensor) -> Tensor:
        """What is pending, with nothing yet for the last slot."""
        return torch.nn.functional.pad(pending, (0, 0, 0, 1))


class _Spread(torch.autograd.Function):
    """A sparse product forward; backward, the entries of its pattern only."""

    @staticmethod
    def forward(ctx: Any, s_in: Tensor, values: Tensor, entries: Tensor, size: int) -> Tensor:
        ctx.save_for_backward(s_in, values, entries)
        return _product(entries, values, size, s_in)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor | None, ...]:
        s_in, values, entries = ctx.saved_tensors
        to_inputs = to_values = None
        if ctx.needs_input_grad[0]:
            to_inputs = _product(entries.flip(0), values, s_in.shape[1], grad[0])
        if ctx.needs_input_grad[1]:
            places, sources = entries
            to_values = torch.zeros_like(values)
            for sample, g in zip(s_in, grad[0], strict=True):  # one sample's memory at a time
                to_values += sample[sources] * g[places]
        return to_inputs, to_values, None, None


def _product(entries: Tensor, values: Tensor, size: int, x: Tensor) -> Tensor:
    """``(batch, size)``: x ``(batch, columns)`` times the matrix of entries (row, column)."""
    shape = (size, x.shape[1])  # the places were checked when the process was made
    matrix = torch.sparse_coo_tensor(entries, values, shape, check_invariants=False)
    product: Tensor = torch.sparse.mm(matrix, x.T)
    return product.T.contiguous()
