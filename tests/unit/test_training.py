"""Training: losses, optimisers, resuming, truncation, precision, history."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from bidl_sim import Network, Simulator, netx
from bidl_sim.data import DataConfig, Framing
from bidl_sim.errors import (
    ConfigError,
    DataError,
    FormatError,
    ParameterError,
    ShapeError,
    StateError,
)
from bidl_sim.processes import LIF, BatchNorm, Conv2d, Dense, Dropout, Flatten, Input, TimeMean
from bidl_sim.trainers import (
    Augment,
    CrossEntropy,
    FiringRate,
    MSERate,
    OptimizerConfig,
    SchedulerConfig,
    SpikeCount,
    TrainConfig,
    Unroll,
    train,
    train_and_export,
)
from bidl_sim.trainers import checkpoint as checkpoints


def net(seed: int = 0) -> Network:
    return Network.sequential(
        Input(6), Dense(6, 16), LIF(alpha=0.8, learn="alpha"), Dropout(0.1), Dense(16, 3), seed=seed
    )


def data(rng: np.random.Generator, samples: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Three classes told apart by which third of the inputs is strong."""
    labels = rng.integers(0, 3, samples)
    x = rng.normal(0, 0.3, (samples, 8, 6))
    for k, label in enumerate(labels):
        x[k, :, 2 * label : 2 * label + 2] += 0.7
    return x.astype(np.float32), labels


def losses(history: list[dict]) -> list[float]:
    return [epoch["train_loss"] for epoch in history]


def test_cross_entropy_of_the_rate_and_of_the_last_step() -> None:
    output = torch.tensor([[[0.0, 2.0], [4.0, 0.0]]])
    target = torch.tensor([0])
    mean = torch.nn.functional.cross_entropy(torch.tensor([[2.0, 1.0]]), target)
    end = torch.nn.functional.cross_entropy(torch.tensor([[4.0, 0.0]]), target)
    assert CrossEntropy()(output, target) == pytest.approx(mean.item())
    assert CrossEntropy("last")(output, target) == pytest.approx(end.item())
    assert CrossEntropy()(output.mean(1), target) == pytest.approx(mean.item())


def test_rates_and_counts_have_targets() -> None:
    output = torch.tensor([[[1.0, 0.0], [1.0, 1.0]]])
    assert MSERate(0.9, 0.1)(output, torch.tensor([0])) == pytest.approx((0.1**2 + 0.4**2) / 2)
    assert SpikeCount(5, 0)(output, torch.tensor([1])) == pytest.approx((2**2 + 4**2) / 2)


def test_the_rate_regulariser_is_zero_in_its_band() -> None:
    regulariser = FiringRate(weight=2.0, low=0.1, high=0.3)
    rates = {"a": torch.full((4, 5), 0.2), "b": torch.full((3,), 0.5)}
    assert regulariser(rates) == pytest.approx(2.0 * (0 + 0.2**2) / 2)


def test_a_loss_names_a_wrong_output() -> None:
    with pytest.raises(ShapeError, match="takes an output"):
        CrossEntropy()(torch.zeros(2, 3, 4, 5), torch.zeros(2, dtype=torch.long))
    with pytest.raises(ParameterError, match="on: must be one of"):
        CrossEntropy(on="best")


def test_the_whole_job(rng, tmp_path) -> None:
    network = net()
    history = train_and_export(
        network,
        data(rng),
        data(rng),
        tmp_path / "a.net",
        epochs=6,
        lr=0.02,
        metadata={"x": [1, "y"]},
    )
    assert len(history) == 6
    assert history[-1]["val_accuracy"] > 0.9
    assert set(history[0]) == {
        "epoch", "lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy",
        "seconds", "samples_per_second", "peak_memory_mb",
    }  # fmt: skip
    loaded = netx.load(tmp_path / "a.net")
    x, labels = data(np.random.default_rng(5))
    scores = Simulator(loaded).run(x).mean(1)
    np.testing.assert_array_equal(scores, Simulator(network).run(x).mean(1))
    assert (scores.argmax(1) == labels).mean() > 0.9
    assert netx.info(tmp_path / "a.net").metadata == {"x": [1, "y"]}


def test_the_same_seed_trains_alike_and_another_does_not(rng) -> None:
    samples = data(rng)
    one, two = (losses(train(net(), samples, config=TrainConfig(epochs=3))) for _ in range(2))
    assert one == two
    assert losses(train(net(), samples, config=TrainConfig(epochs=3, seed=1))) != one


def test_training_leaves_the_generator_of_torch_alone(rng) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    train(net(), data(rng), config=TrainConfig(epochs=1))
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize("kind", ["OneCycleLR", "CosineAnnealingLR", ""])
def test_a_resumed_training_has_identical_losses(kind, rng, tmp_path) -> None:
    samples, checks = data(rng), data(rng)
    config = TrainConfig(epochs=6, scheduler=SchedulerConfig(kind))
    whole_net, part_net = net(), net()
    whole = train(whole_net, samples, checks, config)

    class Stop(Exception):
        pass

    def stop(epoch: dict) -> None:
        if epoch["epoch"] == 2:
            raise Stop

    kept = tmp_path / "run.npz"
    with pytest.raises(Stop):
        train(net(), samples, checks, config, checkpoint=kept, on_epoch=stop)
    resumed = train(
        part_net,
        samples,
        checks,
        config,
        checkpoint=kept,
        resume=True,
        history=tmp_path / "h.jsonl",
    )
    for one, two in zip(whole, resumed, strict=True):
        for name in ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr"):
            assert one[name] == two[name], (one["epoch"], name)
    for path, value in Unroll(whole_net).state_dict().items():
        assert torch.equal(value, Unroll(part_net).state_dict()[path]), path
    lines = (tmp_path / "h.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3, 4, 5, 6]


def test_a_checkpoint_of_another_network_is_refused(rng, tmp_path) -> None:
    train(net(), data(rng), config=TrainConfig(epochs=1), checkpoint=tmp_path / "c.npz")
    other = Network.sequential(Input(6), Dense(6, 3))
    with pytest.raises(StateError, match="does not fit this network"):
        train(other, data(rng), checkpoint=tmp_path / "c.npz", resume=True)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 damaged", b"text"])
def test_a_damaged_checkpoint_is_named(content, tmp_path) -> None:
    (tmp_path / "c.npz").write_bytes(content)
    with pytest.raises(FormatError, match="is no checkpoint of bidl_sim"):
        checkpoints.load(tmp_path / "c.npz")


def test_a_checkpoint_with_pickled_objects_is_refused(tmp_path) -> None:
    np.savez(tmp_path / "c.npz", json=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FormatError, match="is no checkpoint"):
        checkpoints.load(tmp_path / "c.npz")


def test_the_best_epoch_in_validation_is_kept(rng) -> None:
    """Learning rate so large that the last epoch is not the best."""
    network = net()
    checks = data(rng)
    history = train(
        network, data(rng), checks, TrainConfig(epochs=8, optimizer=OptimizerConfig("SGD", 30.0))
    )
    best = max(history, key=lambda e: (e["val_accuracy"], -e["val_loss"]))
    scores = Simulator(network).run(checks[0]).mean(1)
    assert (scores.argmax(1) == checks[1]).mean() == pytest.approx(best["val_accuracy"])


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("schedule", ["process", "timestep"])
def test_mixed_precision_learns(precision, schedule, rng) -> None:
    network = net()
    fast = OptimizerConfig(lr=0.02)
    config = TrainConfig(
        epochs=6, precision=precision, schedule=schedule, clip_grad=1.0, optimizer=fast
    )
    history = train(network, data(rng), config=config, progress=False)
    assert losses(history)[-1] < 0.8 * losses(history)[0]
    assert network.processes["dense1"].parameters()["weight"].dtype == np.float32


def test_schedules_have_the_same_losses(rng) -> None:
    samples = data(rng)
    found = [
        losses(train(net(), samples, config=TrainConfig(epochs=2, schedule=s)))
        for s in ("process", "timestep")
    ]
    # float32 sums in another order; a spike within rounding may shift a loss a little
    np.testing.assert_allclose(found[0], found[1], rtol=1e-3)


def test_truncation_to_the_whole_length_changes_nothing(rng) -> None:
    samples = data(rng)
    whole = losses(train(net(), samples, config=TrainConfig(epochs=2)))
    assert losses(train(net(), samples, config=TrainConfig(epochs=2, truncate=8))) == whole
    short = losses(train(net(), samples, config=TrainConfig(epochs=6, truncate=3)))
    assert short != whole
    assert short[-1] < short[0]


def test_truncated_gradients_are_those_of_detached_pieces(rng) -> None:
    """One step of plain gradient descent against the same written by hand."""
    x, y = data(rng, 8)
    config = TrainConfig(
        epochs=1,
        batch_size=8,
        truncate=3,
        optimizer=OptimizerConfig("SGD", 0.1),
        loss=CrossEntropy(),
    )

    def plain() -> Network:
        return Network.sequential(Input(6), Dense(6, 16), LIF(alpha=0.8), Dense(16, 3))

    network, reference = plain(), plain()
    train(network, (x, y), config=config)
    model = Unroll(reference).train()
    carry = None
    for first, last in ((0, 3), (3, 6), (6, 8)):
        out, _, carry = model.advance(torch.tensor(x[:, first:last]), carry)
        (CrossEntropy()(out, torch.tensor(y)) * (last - first) / 8).backward()
        carry = carry.detach()
    with torch.no_grad():
        for p in model.parameters():
            p -= 0.1 * p.grad
    model.write_back()
    for name in ("dense1", "dense2"):
        for key, value in reference.processes[name].parameters().items():
            found = network.processes[name].parameters()[key]
            np.testing.assert_allclose(found, value, atol=1e-6)


def test_clipping_bounds_the_step(rng) -> None:
    network, before = net(), Unroll(net()).state_dict()
    config = TrainConfig(
        epochs=1, batch_size=48, clip_grad=1e-3, optimizer=OptimizerConfig("SGD", 1.0)
    )
    train(network, data(rng), config=config)
    after = Unroll(network).state_dict()
    moved = sum(float(((after[n] - before[n]) ** 2).sum()) for n in before) ** 0.5
    assert 0 < moved <= 1.001e-3


def test_the_rate_regulariser_quietens_a_network(rng) -> None:
    samples = data(rng)

    def firing(weight: float) -> float:
        network = net()
        rate = FiringRate(weight=weight, high=0.02)
        config = TrainConfig(epochs=10, firing_rate=rate, optimizer=OptimizerConfig(lr=0.01))
        train(network, samples, config=config)
        sim = Simulator(network)
        probe = sim.probe("lif1.s_out")
        sim.run(samples[0])
        return float(probe.data.mean())

    assert firing(50.0) < 0.6 * firing(0.0)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad", "NAdam"])
def test_any_optimiser_of_torch(name, rng) -> None:
    config = TrainConfig(epochs=2, optimizer=OptimizerConfig(name, 0.01))
    assert np.isfinite(losses(train(net(), data(rng), config=config))).all()


def test_data_may_be_a_data_set_a_loader_or_arrays(rng) -> None:
    x, y = data(rng)
    pairs = [(x[k], int(y[k])) for k in range(len(y))]
    loader = torch.utils.data.DataLoader(pairs, batch_size=16)
    for given in ((x, y), pairs, loader):
        assert len(train(net(), given, config=TrainConfig(epochs=1))) == 1


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ((np.zeros((3, 8, 6)), np.zeros(2)), "has 3 inputs and 2 targets"),
        (7, "cannot be used: int. help: give"),
        ([], "holds no samples"),
        ([np.zeros((8, 6))] * 4, "an item must be a pair"),
    ],
)
def test_wrong_data_is_named(given, text) -> None:
    with pytest.raises(DataError, match=f"train_data: {text}"):
        train(net(), given, config=TrainConfig(epochs=1))


def test_a_network_without_anything_to_learn_is_refused(rng) -> None:
    frozen = Network.sequential(Input(6), Dense(6, 3, learn=False))
    with pytest.raises(DataError, match="no parameter to learn"):
        train(frozen, data(rng))


def test_a_diverging_loss_stops_with_a_reason(rng) -> None:
    x, y = data(rng)
    config = TrainConfig(epochs=50, optimizer=OptimizerConfig("SGD", 1e30), loss=MSERate())
    with pytest.raises(DataError, match=r"the loss is (nan|inf)\. help: lower lr"):
        train(net(), (x, y), config=config)


def test_unknown_options_are_named(rng, tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"train_and_export, epoch: is unknown; known: .*epochs"):
        train_and_export(net(), data(rng), None, tmp_path / "a.net", epoch=3)
    assert not (tmp_path / "a.net").exists()


def test_augmentation_moves_frames_and_keeps_their_time(rng) -> None:
    frames = torch.zeros(4, 3, 2, 11, 11)
    frames[:, :, :, 5, 5] = 1.0
    torch.manual_seed(0)
    moved = Augment(shift=3)(frames)
    assert not torch.equal(moved, frames)
    assert torch.equal(moved, moved[:, :1].expand_as(moved))  # the same in all steps
    torch.testing.assert_close(moved.sum((1, 2, 3, 4)), torch.full((4,), 6.0), atol=1e-4, rtol=0)
    assert Augment()(frames) is frames
    for name in ("rotate", "scale", "shear", "elastic"):
        assert not torch.equal(Augment(**{name: 0.9})(frames.roll(3, 3)), frames.roll(3, 3)), name


def test_dropped_events_are_gone() -> None:
    torch.manual_seed(0)
    frames = torch.ones(64, 4, 2, 8, 8)
    kept = Augment(drop=0.5)(frames).mean((1, 2, 3, 4))
    assert 0.45 < kept.min() < 0.65  # each sample loses between nothing and a half
    assert kept.max() > 0.9


def test_a_convolutional_network_learns_gestures() -> None:
    recordings = DataConfig(recordings=160, framing=Framing(bins=8)).load("train")
    network = Network.sequential(
        Input((2, 28, 28)), Conv2d(2, 6, 5, stride=3), BatchNorm(), LIF(alpha=0.8),
        Flatten(), Dense(6 * 64, 8), TimeMean(),
    )  # fmt: skip
    config = TrainConfig(epochs=4, optimizer=OptimizerConfig(lr=5e-3))
    history = train(network, recordings, config=config)
    assert history[-1]["train_accuracy"] > 0.5  # one in eight by chance


def test_tensorboard_gets_the_numbers(rng, tmp_path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    history = train(net(), data(rng), config=TrainConfig(epochs=2), tensorboard=tmp_path / "board")
    board = EventAccumulator(str(tmp_path / "board"))
    board.Reload()
    found = [event.value for event in board.Scalars("train_loss")]
    np.testing.assert_allclose(found, losses(history), rtol=1e-6)
