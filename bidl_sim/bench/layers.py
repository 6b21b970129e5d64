"""The training benchmarks in torch: their inputs, layers around any neuron, and one step."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

Step = Callable[[], Any]
WORKS = ("lif", "linear_lif", "convlif")


def inputs(work: str) -> Tensor:
    """Values ``(samples, steps, *shape)``, the same for everybody."""
    torch.manual_seed(0)
    if work == "lif":
        return torch.randn(16, 60, 62_500)
    if work == "linear_lif":
        return torch.randn(16, 500, 512)
    return (torch.rand(4, 60, 2, 40, 40) < 0.1).float()


def layers(work: str, neuron: Callable[[], nn.Module]) -> nn.Sequential:
    """The layers of a work; they take samples of all steps as one batch."""
    if work == "lif":
        return nn.Sequential(neuron())
    if work == "linear_lif":
        return nn.Sequential(nn.Linear(512, 512, bias=False), neuron())
    found: list[nn.Module] = []
    for before, after in pairwise((2, 64, 128, 256)):
        found += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after)]
        found += [neuron(), nn.AvgPool2d(2)]
    found += [nn.Flatten(), nn.Linear(256 * 25, 256), neuron(), nn.Linear(256, 11), neuron()]
    return nn.Sequential(*found)


def training_step(work: str, model: nn.Module, x: Tensor) -> Step:
    """Forward, backward and optimiser; with nothing to learn, forward and the gradient of x."""
    if work == "lif":
        g = torch.randn(x.shape)
        given = x.requires_grad_()

        def gradient() -> None:
            given.grad = None
            model(given).backward(g)

        return gradient
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)

    def step() -> None:
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()

    return step
