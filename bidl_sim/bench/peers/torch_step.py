"""Training works in torch, with the neuron of another library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor, nn

from bidl_sim.bench.layers import WORKS, inputs, layers, training_step
from bidl_sim.bench.peers.peer import Ready, timed


class OverTime(nn.Module):
    """A neuron on ``(time, batch, *)`` among layers that take all steps as one batch."""

    def __init__(self, neuron: nn.Module, steps: int) -> None:
        super().__init__()
        self.neuron, self.steps = neuron, steps

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.neuron(x.reshape(self.steps, -1, *x.shape[1:]))
        return y.flatten(0, 1)


def training(neuron: Callable[[], nn.Module], note: str = "") -> Mapping[str, Callable[..., Ready]]:
    """The training works around a neuron, a module on ``(time, batch, *)``."""
    return {work: partial(_ready, work, neuron, note) for work in WORKS}


def _ready(work: str, neuron: Callable[[], nn.Module], note: str) -> Ready:
    x = inputs(work).transpose(0, 1)
    steps = len(x)
    model = layers(work, lambda: OverTime(neuron(), steps))
    return Ready(partial(timed, training_step(work, model, x.flatten(0, 1))), note=note)
