"""Without an optional package, one sentence says which to install."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from bidl_sim import Network, plots
from bidl_sim.data import nmnist
from bidl_sim.errors import MissingExtraError
from bidl_sim.processes import Dense, Input
from bidl_sim.trainers import TrainConfig, train


def absent(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)


def test_reading_recordings_names_its_extra(monkeypatch) -> None:
    absent(monkeypatch, "tonic", "tonic.io")
    with pytest.raises(MissingExtraError, match=r"'tonic'\. help: pip install 'bidl_sim\[data\]'"):
        nmnist.read_events(bytes(5), "x")


def test_plotting_names_its_extra(monkeypatch) -> None:
    absent(monkeypatch, "matplotlib", "matplotlib.pyplot")
    with pytest.raises(MissingExtraError, match=r"pip install 'bidl_sim\[plot\]'"):
        plots.raster(np.zeros((2, 2)))


def test_tensorboard_names_its_extra_before_training(monkeypatch, tmp_path) -> None:
    absent(monkeypatch, "tensorboard", "torch.utils.tensorboard")
    net = Network.sequential(Input(2), Dense(2, 2))
    data = (np.zeros((4, 3, 2), np.float32), np.zeros(4, int))
    with pytest.raises(MissingExtraError, match=r"pip install 'bidl_sim\[tensorboard\]'"):
        train(net, data, config=TrainConfig(epochs=1), tensorboard=tmp_path)
