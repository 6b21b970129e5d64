"""A set of labelled recordings in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bidl_sim.errors import DataError
from bidl_sim.typing import Array


@dataclass(frozen=True)
class Recordings:
    """Frames and labels, indexed like any data set: ``frames, label = recordings[3]``.

    Attributes
    ----------
    frames
        uint8 ``(recordings, time, channel, height, width)``; one recording is given as float32.
    labels
        int64 ``(recordings,)``.
    classes
        What the labels mean.
    """

    frames: Array
    labels: Array
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.frames) != len(self.labels):
            raise DataError("recordings", f"{len(self.frames)} frames, {len(self.labels)} labels")
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise DataError("recordings", f"labels must be in 0..{len(self.classes) - 1}")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, k: int) -> tuple[Array, int]:
        return self.frames[k].astype(np.float32), int(self.labels[k])

    def part(self, chosen: Sequence[int] | Array) -> Recordings:
        """Some of the recordings."""
        return Recordings(self.frames[chosen], self.labels[chosen], self.classes)

    def split(self, fraction: float, seed: int) -> tuple[Recordings, Recordings]:
        """Two parts, the second with ``fraction`` of each class, drawn by ``seed``."""
        rng = np.random.default_rng(seed)
        second: list[int] = []
        for label in np.unique(self.labels):
            members = rng.permutation(np.flatnonzero(self.labels == label))
            second.extend(members[: round(fraction * len(members))])
        chosen = np.zeros(len(self), bool)
        chosen[second] = True
        return self.part(np.flatnonzero(~chosen)), self.part(np.flatnonzero(chosen))
