"""Is what a training is given refused in one line, where it does not fit?"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bidl_sim import Network
from bidl_sim.errors import ConfigError, DataError, ShapeError
from bidl_sim.processes import LIF, Dense, Flatten, Input, TimeMean
from bidl_sim.trainers import (
    Augment,
    CrossEntropy,
    MSERate,
    OptimizerConfig,
    SchedulerConfig,
    TrainConfig,
    train,
)

FRAMES = np.random.default_rng(0).random((8, 4, 5)).astype(np.float32)
CLASSES = np.arange(8) % 3


def classifier() -> Network:
    return Network.sequential(Input(5), Dense(5, 4), LIF(), Dense(4, 3), TimeMean())


def one_epoch(frames, targets, **options) -> None:
    train(classifier(), (frames, targets), config=TrainConfig(epochs=1, **options), progress=False)


@pytest.mark.parametrize("loss", [CrossEntropy(), MSERate()])
@pytest.mark.parametrize(
    ("targets", "text"),
    [
        (CLASSES + 1, "contain class 3, the output has classes 0 to 2"),
        (CLASSES - 1, "contain class -1"),
        (CLASSES.astype(np.float32), "must be class indices"),
        (CLASSES[:, None], "must be class indices"),
    ],
)
def test_targets_that_are_no_class_are_named(loss, targets, text) -> None:
    with pytest.raises(DataError, match=text):
        one_epoch(FRAMES, targets, loss=loss)


@pytest.mark.parametrize("kind", ["u1", "i4", "i8"])
@pytest.mark.parametrize("loss", [CrossEntropy(), MSERate()])
def test_classes_may_be_any_integers(loss, kind) -> None:
    one_epoch(FRAMES, CLASSES.astype(kind), loss=loss)


def test_probabilities_are_targets_of_cross_entropy() -> None:
    output = torch.tensor([[0.2, 1.5, -1.0]])
    certain = CrossEntropy()(output, torch.tensor([1]))
    assert torch.equal(CrossEntropy()(output, torch.tensor([[0.0, 1.0, 0.0]])), certain)


def test_a_sequence_without_timesteps_is_named() -> None:
    for options in ({}, {"truncate": 2}):
        with pytest.raises(ShapeError, match="no timesteps"):
            one_epoch(FRAMES[:, :0], CLASSES, **options)


@pytest.mark.parametrize("augment", [Augment(shift=1), Augment(drop=0.2)])
def test_only_images_can_be_augmented(augment) -> None:
    with pytest.raises(ShapeError, match="augment"):
        one_epoch(FRAMES, CLASSES, augment=augment)


def test_images_of_bytes_can_be_augmented() -> None:
    frames = np.random.default_rng(1).integers(0, 9, (8, 3, 2, 6, 6)).astype(np.uint8)
    net = Network.sequential(Input((2, 6, 6)), Flatten(), Dense(72, 3), TimeMean())
    config = TrainConfig(epochs=1, augment=Augment(shift=1, elastic=1, drop=0.1))
    train(net, (frames, CLASSES), config=config, progress=False)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: OptimizerConfig(lr=float("nan")), "lr: must be positive"),
        (lambda: OptimizerConfig(lr=-1.0), "lr: must be positive"),
        (lambda: OptimizerConfig("LBFGS"), "LBFGS"),
        (lambda: SchedulerConfig("ReduceLROnPlateau"), "ReduceLROnPlateau"),
        (lambda: TrainConfig(loss="CrossEntropy"), "loss: must be one of"),
    ],
)
def test_what_cannot_be_done_is_refused_before_training(make, text) -> None:
    with pytest.raises(ConfigError, match=text):
        make()


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": OptimizerConfig("AdamW", options={"betas": (2.0, 0.9)})},
        {"scheduler": SchedulerConfig("StepLR")},
    ],
)
def test_what_torch_refuses_names_its_part(options) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        one_epoch(FRAMES, CLASSES, **options)
