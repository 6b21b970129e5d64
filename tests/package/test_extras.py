"""Without an optional package, one sentence says which to install."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from bidl_sim import Network, netx, plots
from bidl_sim.data import nmnist
from bidl_sim.errors import MissingExtraError
from bidl_sim.processes import LIF, Dense, Input
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


def test_onnx_names_its_extra(monkeypatch, tmp_path) -> None:
    absent(monkeypatch, "onnx")
    net = Network.sequential(Input(2), LIF())
    for use in (lambda: netx.save(net, tmp_path / "a.onnx"), lambda: netx.Runtime(net, "onnx")):
        with pytest.raises(MissingExtraError, match=r"pip install 'bidl_sim\[onnx\]'"):
            use()
    assert not list(tmp_path.iterdir())


def test_onnxruntime_names_its_extra(monkeypatch) -> None:
    pytest.importorskip("onnx")
    absent(monkeypatch, "onnxruntime")
    with pytest.raises(MissingExtraError, match=r"'onnxruntime'\. help: pip install"):
        netx.Runtime(Network.sequential(Input(2), LIF()), "onnx")
