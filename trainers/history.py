"""What happened in each epoch: in memory, as JSON lines, and for TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bidl_sim.errors import MissingExtraError

Epoch = dict[str, Any]


class History:
    """Keeps the epochs and writes each one where it was asked for.

    Parameters
    ----------
    path
        A file of JSON lines, one epoch a line; it is begun anew with the epochs so far.
    tensorboard
        A folder for TensorBoard.
    epochs
        Those that went before, when a training is resumed.
    """

    def __init__(
        self,
        path: str | Path | None,
        tensorboard: str | Path | None,
        epochs: Iterable[Epoch] = (),
    ) -> None:
        self.epochs: list[Epoch] = []
        self._path = Path(path) if path else None
        self._board = _summary_writer(tensorboard) if tensorboard else None
        if self._path:
            self._path.write_text("")
        for epoch in epochs:
            self.add(epoch)

    def add(self, epoch: Epoch) -> None:
        """Take the numbers of one more epoch."""
        self.epochs.append(epoch)
        if self._path:
            with self._path.open("a") as file:
                file.write(json.dumps(epoch) + "\n")
        if self._board:
            for name, value in epoch.items():
                self._board.add_scalar(name, value, epoch["epoch"])
            self._board.flush()


def _summary_writer(folder: str | Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtraError("tensorboard=", "tensorboard", "tensorboard") from None
    return SummaryWriter(str(folder))
