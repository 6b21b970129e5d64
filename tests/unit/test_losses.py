"""Losses by hand, finite where they could be infinite, and in a configuration."""

from __future__ import annotations

import math

import pytest
import torch

from bidl_sim import Network
from bidl_sim.errors import ConfigError, DataError, ParameterError, ShapeError
from bidl_sim.processes import LIF, Dense, Input, TimeMean
from bidl_sim.trainers import (
    FiringRate,
    MSERate,
    SpikeMax,
    SpikeMoid,
    SpikeRate,
    SpikeTime,
    TrainConfig,
    train,
)
from bidl_sim.trainers.filters import convolve, correlate, exponential, moving_average
from bidl_sim.trainers.losses import LOSSES
from bidl_sim.trainers.parse import parse

OUTPUT = torch.tensor([[[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]]])  # rates 3/4, 1/4
LABEL = torch.tensor([0])


def test_filters_by_hand() -> None:
    x, response = torch.tensor([[1.0, 0.0, 2.0, 0.0]]), torch.tensor([1.0, 0.5, 0.25])
    assert convolve(x, response).tolist() == [[1.0, 0.5, 2.25, 1.0]]
    assert correlate(x, response).tolist() == [[1.5, 1.0, 2.0, 0.0]]
    assert moving_average(x, 2).tolist() == [[0.5, 0.5, 1.0, 1.0]]
    twice = exponential(2.0, 5, order=2)  # (k + 1) exp(-k / 2), an alpha function
    wanted = [(k + 1) * math.exp(-k / 2) for k in range(5)]
    assert twice.tolist() == pytest.approx(wanted, rel=1e-12)


def test_spike_rate_over_the_run_and_in_windows() -> None:
    whole = SpikeRate(0.5, 0.0, reduction="sum")(OUTPUT, LABEL)
    assert whole == pytest.approx(0.25**2 + 0.25**2)
    assert MSERate(0.5, 0.0)(OUTPUT, LABEL) == pytest.approx(whole / 2)
    windows = SpikeRate(1.0, 0.0, window=2, reduction="sum")
    # rates 1/2, 1, 1/2, 1/2 and 0, 1/2, 1/2, 0
    assert windows(OUTPUT, LABEL) == pytest.approx(3 / 4 + 2 / 4)
    changing = torch.tensor([[0, 0, 1, 1]])
    assert windows(OUTPUT, changing) == pytest.approx(1 / 4 + 1 / 4 + 2 / 4 + 5 / 4)
    terms = SpikeRate(window=2, reduction="none")(OUTPUT, LABEL)
    assert terms.shape == OUTPUT.shape


def test_spike_time_is_zero_for_the_wanted_spikes_only() -> None:
    loss = SpikeTime(time_constant=2.0, reduction="sum")
    assert loss(OUTPUT, OUTPUT) == 0
    one = torch.zeros(1, 4, 1)
    one[0, 1] = 1.0
    wanted = sum(math.exp(-k / 2) ** 2 for k in range(3))  # three steps of its trace are left
    assert loss(one, torch.zeros(1, 4, 1)) == pytest.approx(wanted)
    image = torch.rand(2, 5, 3, 4, 4)
    assert loss(image, image) == 0


@pytest.mark.parametrize("mode", ["probability", "softmax"])
@pytest.mark.parametrize("window", [0, 2])
def test_spike_max_is_finite_without_spikes(mode, window) -> None:
    loss = SpikeMax(mode, window)
    silent = torch.zeros(1, 4, 2, requires_grad=True)
    value = loss(silent, LABEL)
    assert value.item() == pytest.approx(math.log(2))  # two classes, equally likely
    value.backward()
    assert torch.isfinite(silent.grad).all()
    wrong = torch.zeros(1, 4, 2)
    wrong[:, :, 1] = 1.0
    assert math.isfinite(loss(wrong, LABEL))
    assert loss(wrong, LABEL) > loss(wrong, torch.tensor([1]))


def test_spike_max_by_hand() -> None:
    assert SpikeMax()(OUTPUT, LABEL) == pytest.approx(-math.log(0.75), rel=1e-5)
    odds = math.exp(0.75) / (math.exp(0.75) + math.exp(0.25))
    assert SpikeMax("softmax")(OUTPUT, LABEL) == pytest.approx(-math.log(odds), rel=1e-6)
    each = SpikeMax(window=1, reduction="none")(OUTPUT, LABEL)
    assert each.shape == (1, 4)
    assert each[0, 1].item() == pytest.approx(math.log(2))


def test_spike_moid_takes_several_labels_and_stays_finite() -> None:
    both = torch.tensor([[1.0, 1.0]])
    wanted = -sum(math.log(1 / (1 + math.exp(-(r - 0.5) / 0.2))) for r in (0.75, 0.25))
    loss = SpikeMoid(alpha=0.2, theta=0.5, reduction="sum")
    assert loss(OUTPUT, both) == pytest.approx(wanted, rel=1e-6)
    assert loss(OUTPUT, both.long()) == loss(OUTPUT, both)
    assert loss(OUTPUT, LABEL) == loss(OUTPUT, torch.tensor([[1.0, 0.0]]))
    steep = SpikeMoid(alpha=1e-4, theta=0.5, reduction="sum")
    assert steep(OUTPUT, torch.tensor([[0.0, 1.0]])) == pytest.approx(5000)  # 2 x 0.25 / 1e-4
    windows = SpikeMoid(alpha=0.2, window=2)
    assert windows(OUTPUT, both) == windows(OUTPUT, both[:, None].expand(1, 4, 2))


def test_firing_rate_counts_sizes_and_sums_or_averages_layers() -> None:
    layers = {"a": torch.tensor([[0.5, -0.5]]), "b": torch.tensor([[0.0, 0.2]])}
    mean = FiringRate(weight=2.0, high=0.1)(layers)
    assert mean == pytest.approx(2 * (0.4**2 + 0.0) / 2)
    assert FiringRate(weight=2.0, high=0.1, reduction="sum")(layers) == pytest.approx(2 * mean)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SpikeRate(window=-1), "SpikeRate, window: must be >= 0 steps"),
        (lambda: MSERate(reduction="all"), "MSERate, reduction: must be one of"),
        (lambda: SpikeMax("odds"), "SpikeMax, mode: must be one of"),
        (lambda: SpikeMax(eps=0.0), "SpikeMax, eps: must be > 0"),
        (lambda: SpikeMoid(alpha=-1.0), "SpikeMoid, alpha: must be > 0"),
        (lambda: SpikeTime(time_constant=0.0), "time_constant: must be > 0"),
        (lambda: SpikeTime(length=0), "length: must be > 0"),
        (lambda: FiringRate(reduction="none"), "FiringRate, reduction: must be one of"),
    ],
)
def test_arguments_without_meaning_are_refused(make, message) -> None:
    with pytest.raises(ParameterError, match=message):
        make()


def test_targets_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match=r"class indices \(batch,\) or \(batch, time\)"):
        SpikeRate(window=2)(OUTPUT, torch.zeros(1, 3, dtype=torch.long))
    with pytest.raises(DataError, match="contain class 2"):
        SpikeMax(window=2)(OUTPUT, torch.tensor([[0, 1, 2, 0]]))
    with pytest.raises(DataError, match=r"spikes \(batch, time"):
        SpikeTime()(OUTPUT, LABEL)
    with pytest.raises(DataError, match="probabilities of shape"):
        SpikeMoid()(OUTPUT, torch.ones(1, 3))
    with pytest.raises(DataError, match=r"in \[0, 1\]"):
        SpikeMoid()(OUTPUT, torch.tensor([[2.0, 0.0]]))
    with pytest.raises(ShapeError, match="no time axis"):
        SpikeMax(window=2)(OUTPUT.mean(1), LABEL)


def test_a_configuration_names_every_loss() -> None:
    for name, kind in LOSSES.items():
        assert type(parse(TrainConfig, {"loss": {"type": name}}, "").loss) is kind
    found = parse(TrainConfig, {"loss": {"type": "SpikeMax", "mode": "softmax", "window": 5}}, "")
    assert found.loss == SpikeMax("softmax", 5)
    with pytest.raises(ConfigError, match="alpha: must be > 0"):
        parse(TrainConfig, {"loss": {"type": "SpikeMoid", "alpha": 0}}, "")


@pytest.mark.parametrize("loss", [SpikeRate(window=3), SpikeMax(eps=0.1), SpikeMoid(alpha=0.2)])
def test_training_makes_a_loss_smaller(rng, loss) -> None:
    net = Network.sequential(Input(3), Dense(3, 2), LIF(alpha=0.8))
    labels = rng.integers(0, 2, 24)
    x = rng.normal(0.3, 0.3, (24, 6, 3)).astype("float32")
    x[:, :, 0] += labels[:, None]
    history = train(net, (x, labels), config=TrainConfig(epochs=4, loss=loss), progress=False)
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_training_towards_spike_times(rng) -> None:
    net = Network.sequential(Input(3), Dense(3, 2), LIF(alpha=0.8))
    x = rng.normal(0.3, 0.5, (24, 6, 3)).astype("float32")
    wanted = (rng.random((24, 6, 2)) < 0.3).astype("float64")
    config = TrainConfig(epochs=4, loss=SpikeTime(time_constant=3.0))
    history = train(net, (x, wanted), config=config, progress=False)
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    assert "train_accuracy" not in history[-1]


def test_an_aggregated_output_is_a_rate(rng) -> None:
    net = Network.sequential(Input(3), Dense(3, 2), LIF(), TimeMean())
    x, labels = rng.random((8, 4, 3)).astype("float32"), rng.integers(0, 2, 8)
    history = train(net, (x, labels), config=TrainConfig(epochs=1, loss=SpikeMax()), progress=False)
    assert math.isfinite(history[0]["train_loss"])
