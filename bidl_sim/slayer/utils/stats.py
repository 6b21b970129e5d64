"""How learning goes: loss and accuracy over epochs, for training, validation and test."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from pathlib import Path
from typing import Any

from bidl_sim.errors import DataError, MissingExtraError

HEADER = f"#{'Train':>11} {'Valid':>12} {'Test':>12}"


class LearningStat:
    """Loss and accuracy of one kind of samples: this epoch's sums, and the epochs before.

    ``num_samples``, ``loss_sum`` and ``correct_samples`` are added to by who measures.
    """

    def __init__(self) -> None:
        self.loss_log: list[float] = []
        self.accuracy_log: list[float] = []
        self.min_loss = float("inf")
        self.max_accuracy = 0.0
        self._best_loss = self._best_accuracy = False
        self.reset()

    def reset(self) -> None:
        """Begin an epoch."""
        self.num_samples = 0
        self.loss_sum = 0.0
        self.correct_samples: Any = 0

    @property
    def loss(self) -> float | None:
        """Mean over the samples of this epoch; None before the first."""
        return self.loss_sum / self.num_samples if self.num_samples else None

    @property
    def accuracy(self) -> float | None:
        """Share of correct samples of this epoch; None before the first sample."""
        return float(self.correct_samples) / self.num_samples if self.num_samples else None

    @property
    def best_loss(self) -> bool:
        """Whether this epoch's loss is below all before; between epochs, the last one's."""
        return self._best_loss if self.loss is None else self.loss < self.min_loss

    @property
    def best_accuracy(self) -> bool:
        """Whether this epoch's accuracy is above all before; between epochs, the last one's."""
        return self._best_accuracy if self.accuracy is None else self.accuracy > self.max_accuracy

    def update(self) -> None:
        """End an epoch, if it had samples."""
        if self.loss is not None and self.accuracy is not None:
            self.take(self.loss, self.accuracy)
            self.reset()

    def take(self, loss: float, accuracy: float) -> None:
        """Add a finished epoch."""
        self._best_loss, self._best_accuracy = loss < self.min_loss, accuracy > self.max_accuracy
        self.min_loss = min(self.min_loss, loss)
        self.max_accuracy = max(self.max_accuracy, accuracy)
        self.loss_log.append(loss)
        self.accuracy_log.append(accuracy)


class LearningStats:
    """`LearningStat` of ``training``, ``validation`` and ``testing``.

    Parameters
    ----------
    loss_str, loss_unit, accuracy_str, accuracy_unit
        How loss and accuracy are called in print.
    """

    def __init__(
        self,
        loss_str: str = "loss",
        loss_unit: str = "",
        accuracy_str: str = "accuracy",
        accuracy_unit: str = "",
    ) -> None:
        self.training = LearningStat()
        self.validation = LearningStat()
        self.testing = LearningStat()
        self.loss_str, self.loss_unit = loss_str, loss_unit
        self.accuracy_str, self.accuracy_unit = accuracy_str, accuracy_unit
        self._lines = 0

    def update(self) -> None:
        """End an epoch."""
        for stat in self._kinds().values():
            stat.update()

    def new_line(self) -> None:
        """Keep what was printed; the next `print` begins below it."""
        self._lines = 0

    def print(
        self,
        epoch: int,
        iter: int | None = None,
        header: Sequence[str] = (),
        dataloader: Sized | None = None,
    ) -> None:
        """Print these statistics over the last ones.

        ``iter`` and ``dataloader`` show how far the epoch is, ``header`` holds more lines.
        """
        progress = ""
        if iter is not None:
            whole = f"/{len(dataloader)}" if dataloader is not None else ""
            progress = f", {iter + 1}{whole}"
        lines = [f"[Epoch {epoch:3d}{progress}]", *"\n".join(header).splitlines(), *self._texts()]
        back = f"\033[{self._lines}A" if self._lines else ""
        print(back + "\n".join(f"\033[K{line}" for line in lines), flush=True)
        self._lines = len(lines)

    def __str__(self) -> str:
        return " | ".join(self._texts())

    def save(self, path: str = "") -> None:
        """Write ``loss.txt`` and ``accuracy.txt``: a row an epoch, columns Train, Valid, Test.

        ``path`` goes before the file names, so a folder ends in "/". What was not measured is nan.
        """
        for name in ("loss", "accuracy"):
            logs = [getattr(stat, f"{name}_log") for stat in self._kinds().values()]
            rows = [HEADER]
            for epoch in range(max(map(len, logs))):
                values = (log[epoch] if epoch < len(log) else float("nan") for log in logs)
                rows.append(" ".join(f"{value:12.6g}" for value in values))
            Path(f"{path}{name}.txt").write_text("".join(f"{row}\r\n" for row in rows), newline="")

    def load(self, path: str = "") -> None:
        """Read what `save` wrote, to go on from there."""
        import numpy as np

        table = {}
        for name in ("loss", "accuracy"):
            file = f"{path}{name}.txt"
            try:
                table[name] = np.loadtxt(file, ndmin=2).reshape(-1, 3)
            except (OSError, ValueError) as error:
                raise DataError(file, f"cannot be read: {error}") from None
        for column, kind in enumerate(("training", "validation", "testing")):
            stat = LearningStat()
            for loss, accuracy in zip(*(t[:, column] for t in table.values()), strict=True):
                if loss == loss:
                    stat.take(float(loss), float(accuracy))
            setattr(self, kind, stat)

    def plot(self, figsize: tuple[float, float] | None = None, path: str | None = None) -> None:
        """Draw loss and accuracy over epochs; ``path`` is that of `save`, for ``.png`` files."""
        try:
            from matplotlib import pyplot as plt
        except ImportError:
            raise MissingExtraError("stats.plot", "matplotlib", "plot") from None

        for name, text in (("loss", self.loss_str), ("accuracy", self.accuracy_str)):
            figure, ax = plt.subplots(figsize=figsize)
            for kind, stat in self._kinds().items():
                if log := getattr(stat, f"{name}_log"):
                    ax.plot(range(1, len(log) + 1), log, label=kind)
            ax.set(xlabel="epoch", ylabel=text)
            ax.legend()
            if path is not None:
                figure.savefig(f"{path}{name}.png")
                plt.close(figure)

    def _kinds(self) -> dict[str, LearningStat]:
        return {"Train": self.training, "Valid": self.validation, "Test": self.testing}

    def _texts(self) -> list[str]:
        return [text for kind, stat in self._kinds().items() if (text := self._text(kind, stat))]

    def _text(self, kind: str, stat: LearningStat) -> str:
        """Loss and accuracy with the best of earlier epochs; empty without samples."""
        if stat.loss is None or stat.accuracy is None:
            return ""
        text = f"{kind} {self.loss_str} = {stat.loss:.5f}{self.loss_unit}"
        if stat.loss_log:
            text += f" (min = {stat.min_loss:.5f})"
        if stat.correct_samples or stat.max_accuracy:
            text += f"  {self.accuracy_str} = {stat.accuracy:.5f}{self.accuracy_unit}"
            if stat.loss_log:
                text += f" (max = {stat.max_accuracy:.5f})"
        return text
