"""Which data a network is trained on and how events become frames, as plain typed data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bidl_sim.data import gestures, nmnist
from bidl_sim.data.frames import Framing
from bidl_sim.data.recordings import Recordings
from bidl_sim.errors import ConfigError, DataError

SPLITS = ("train", "test")


@dataclass(frozen=True)
class DataConfig:
    """A data set and its framing.

    Parameters
    ----------
    name : "nmnist" or "gestures"
        N-MNIST from files, or the built-in generated gestures.
    framing
        See `Framing`.
    recordings
        How many to generate for training; a quarter of it for testing. Files decide themselves.
    validation
        Fraction of the training recordings kept for validation, 0 for none.
    seed
        Fixes generated recordings and the choice of validation recordings.
    """

    name: str = "gestures"
    framing: Framing = Framing()
    recordings: int = 640
    validation: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.name not in ("nmnist", "gestures"):
            raise ConfigError("data, name", f"must be nmnist or gestures, got {self.name!r}")
        if not 0 <= self.validation < 1:
            raise ConfigError("data, validation", f"must be in [0, 1), got {self.validation}")
        if self.recordings < 4 or self.seed < 0:
            raise ConfigError("data", "recordings must be at least 4, seed at least 0")

    @property
    def needs_files(self) -> bool:
        """Whether recordings are read from files, and not generated."""
        return self.name == "nmnist"

    def load(self, split: str, path: str | Path | None = None) -> Recordings:
        """The recordings of "train" or "test"; ``path`` is where files lie, a folder or a zip."""
        if split not in SPLITS:
            raise ConfigError("split", f"must be one of {SPLITS}, got {split!r}")
        if self.needs_files:
            if path is None:
                raise DataError(f"data set {self.name}", "needs files", "pass --data FOLDER_OR_ZIP")
            return nmnist.load(path, split, self.framing)
        if path is not None:
            raise DataError("data set gestures", "is generated and takes no files")
        if split == "train":
            return gestures.load(self.recordings, 2 * self.seed, self.framing)
        return gestures.load(self.recordings // 4, 2 * self.seed + 1, self.framing)
