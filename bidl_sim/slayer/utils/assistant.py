"""The steps of a training loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bidl_sim.slayer.utils.stats import LearningStat, LearningStats


class Assistant:
    """Trains and tests a network batch by batch, and keeps statistics.

    Parameters
    ----------
    net : torch.nn.Module
    error
        ``error(output, target)``, a loss.
    optimizer : torch.optim.Optimizer
    stats
        Where loss and accuracy are counted.
    classifier
        From outputs to what is compared with targets, such as ``classifier.Rate.predict``.
    count_log
        Whether the network returns ``(output, count)``; then `train`, `test` and `valid` do, too.
    lam
        The weight of a loss that the network returns behind its output, ``(output, loss)`` or
        ``(output, loss, count)``, and that training adds to the error.
    """

    def __init__(
        self,
        net: torch.nn.Module,
        error: Callable[[Tensor, Tensor], Tensor],
        optimizer: Any,
        stats: LearningStats | None = None,
        classifier: Callable[[Tensor], Tensor] | None = None,
        count_log: bool = False,
        lam: float | None = None,
    ) -> None:
        self.net, self.error, self.optimizer = net, error, optimizer
        self.stats = stats or LearningStats()
        self.classifier, self.count_log, self.lam = classifier, count_log, lam

    def train(self, input: Tensor, target: Tensor) -> Any:
        """One step of the optimiser on a batch; the output, detached."""
        self.net.train()
        output, loss, count = self._measure(self.stats.training, input, target)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()
        return (output.detach(), count) if self.count_log else output.detach()

    def test(self, input: Tensor, target: Tensor) -> Any:
        """The output for a batch, counted as test."""
        return self._without_learning(self.stats.testing, input, target)

    def valid(self, input: Tensor, target: Tensor) -> Any:
        """The output for a batch, counted as validation."""
        return self._without_learning(self.stats.validation, input, target)

    def reduce_lr(self, factor: float = 10 / 3) -> None:
        """Divide the learning rate by ``factor``."""
        for group in self.optimizer.param_groups:
            group["lr"] /= factor

    def _without_learning(self, stat: LearningStat, input: Tensor, target: Tensor) -> Any:
        self.net.eval()
        with torch.no_grad():
            output, _, count = self._measure(stat, input, target)
        return (output, count) if self.count_log else output

    def _measure(
        self, stat: LearningStat, input: Tensor, target: Tensor
    ) -> tuple[Tensor, Tensor, Any]:
        """Output, what training makes smaller, and the count; the error goes to the statistics."""
        device = next((p.device for p in self.net.parameters()), input.device)
        target = target.to(device)
        found = self.net(input.to(device))
        output, *more = found if isinstance(found, (tuple, list)) else (found,)
        loss = self.error(output, target)
        stat.num_samples += len(input)
        stat.loss_sum += loss.item() * len(input)
        if self.classifier is not None:
            stat.correct_samples += _correct(self.classifier(output), target)
        if self.lam is not None:
            loss = loss + self.lam * more[0]
        return output, loss, more[-1] if self.count_log else None


def _correct(predicted: Tensor, target: Tensor) -> float:
    """Correct samples; a prediction for each step counts as the share of its steps."""
    if predicted.dim() > target.dim():
        target = target[:, None]
    same = (predicted == target).float()
    return float(same.reshape(len(same), -1).mean(1).sum())
