"""Cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from bidl_sim.trainers.losses.readout import check_choice, labels_for, last, rate

READOUTS = ("rate", "last")


@dataclass(frozen=True)
class CrossEntropy:
    """Cross-entropy of softmax(scores); targets may also be probabilities ``(batch, class)``.

    Parameters
    ----------
    on : "rate" or "last"
        Scores are the mean over time, or the value of the last step.
    label_smoothing : in [0, 1)
    """

    on: str = "rate"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        check_choice("CrossEntropy, on", self.on, READOUTS)

    def __call__(self, output: Tensor, targets: Tensor) -> Tensor:
        scores = rate(output) if self.on == "rate" else last(output)
        if not (targets.is_floating_point() and targets.shape == scores.shape):
            targets = labels_for(scores, targets)
        return functional.cross_entropy(
            scores.float(), targets, label_smoothing=self.label_smoothing
        )
