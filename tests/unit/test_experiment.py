"""Configurations: typed, unknown keys are errors, every field changes from the command line."""

from __future__ import annotations

import pytest

from bidl_sim.errors import ConfigError
from bidl_sim.trainers import CrossEntropy, MSERate, load_experiment

TEXT = """
network = [
  {type = "Input", shape = [2, 6, 6]},
  {type = "Conv2d", name = "conv", in_channels = 2, out_channels = 2, kernel_size = 3, padding = 1},
  {type = "LIF", name = "lif", alpha = 0.9, learn = ["alpha"]},
  {type = "Add", name = "sum", from = ["lif", "conv"]},
  {type = "Flatten"},
  {type = "Dense", in_features = 72, out_features = 3},
]

[data]
name = "nmnist"
framing = {by = "events", bins = 5}

[train]
epochs = 3
seed = 4
loss = {type = "MSERate", true_rate = 1}
augment = {shift = 2}

[train.optimizer]
type = "SGD"
lr = 1
momentum = 0.9
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text(TEXT)
    return file


def changed(path, *overrides):
    return load_experiment(path, overrides)


def test_a_file_becomes_typed_data(path) -> None:
    found = load_experiment(path)
    assert found.data.framing.bins == 5
    assert found.train.epochs == 3
    assert found.train.loss == MSERate(true_rate=1.0)
    assert isinstance(found.train.optimizer.lr, float)
    assert found.train.optimizer.options == {"momentum": 0.9}
    net = found.build_network()
    assert net.seed == 4
    assert net.processes["lif"].learned == ("alpha",)
    assert len(net.processes["sum"].in_ports["s_in"].sources) == 2
    assert net.build().signals["dense1.a_out"].shape == (3,)


@pytest.mark.parametrize(
    ("key", "text", "read"),
    [
        ("train.epochs", "7", lambda e: e.train.epochs == 7),
        ("epochs", "7", lambda e: e.train.epochs == 7),
        ("lr", "1e-3", lambda e: e.train.optimizer.lr == 1e-3),
        ("momentum", "0.5", lambda e: e.train.optimizer.options["momentum"] == 0.5),
        (
            "train.optimizer.nesterov",
            "true",
            lambda e: e.train.optimizer.options["nesterov"] is True,
        ),
        ("network.2.alpha", "0.5", lambda e: e.network[2]["alpha"] == 0.5),
        ("train.loss.type", "CrossEntropy", lambda e: e.train.loss == CrossEntropy()),
        ("bins", "8", lambda e: e.data.framing.bins == 8),
        (
            "firing_rate.ports",
            '["lif.s_out"]',
            lambda e: e.train.firing_rate.ports == ("lif.s_out",),
        ),
        ("precision", "bfloat16", lambda e: e.train.precision == "bfloat16"),
    ],
)
def test_every_field_can_be_changed(path, key, text, read) -> None:
    if key == "train.loss.type":
        path.write_text(TEXT.replace(", true_rate = 1", ""))
    key = f"train.{key}" if key.startswith("firing_rate") else key
    assert read(changed(path, (key, text)))


@pytest.mark.parametrize(
    ("key", "text", "reason"),
    [
        ("epoch", "3", r"--epoch: is no key of this configuration\. help: known: .*train\.epochs"),
        ("seed", "3", r"--seed: could be data\.seed or train\.seed\. help: give the whole name"),
        ("train.epoch", "3", r"train\.epoch: is unknown\. help: did you mean 'epochs'"),
        ("train.epochs", "many", r"train\.epochs: must be a whole number, got 'many'"),
        ("train.epochs", "true", r"train\.epochs: must be a whole number, got True"),
        ("train.epochs", "0", r"epochs: must be at least 1, got 0"),
        ("train.epochs.x", "0", r"--train\.epochs\.x: 'epochs' holds a value, not a table"),
        ("train.optimizer", "3", r"train\.optimizer: must be a table, got 3"),
        ("train.optimizer.type", "Adamm", r"optimizer, type: unknown 'Adamm'; known: .*AdamW"),
        ("train.optimizer.speed", "3", r"optimizer, speed: SGD takes no such argument"),
        ("train.scheduler.type", "Step", r"scheduler, type: unknown 'Step'; known: .*StepLR"),
        ("train.loss.type", "MSE", r"train\.loss\.type: must be one of CrossEntropy"),
        ("train.precision", "int8", r"precision: must be one of"),
        ("data.framing.by", "day", r"framing, by: must be one of duration, events, window"),
        ("network.9.alpha", "0.5", r"'9' must be a place in 0\.\.5"),
        ("network.2.alpha", "1.5", r"network\[2\]: LIF 'lif' .*alpha: must be in \[0, 1\]"),
        ("network.2.tau", "1.5", r"network\[2\]\.tau: LIF takes no such argument\. help: takes: "),
        ("network.2.type", "LIFF", r"network\[2\]: .*unknown process type 'LIFF'.* mean 'LIF'"),
        ("network.3.from", "lif9", r"network\[3\]\.from: there is no process 'lif9' before it"),
        ("network.1", "3", r"network\[1\]: must be a table with a type"),
        ("network.1.stride", "0", r"network\[1\]: Conv2d 'conv' .*stride: must be at least 1"),
    ],
)
def test_wrong_keys_and_values_are_named(path, key, text, reason) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        changed(path, (key, text)).build_network()
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_toml_is_named(tmp_path) -> None:
    (tmp_path / "a.toml").write_text("epochs = = 3")
    with pytest.raises(ConfigError, match=r"a\.toml: is no TOML: .* line 1"):
        load_experiment(tmp_path / "a.toml")
    with pytest.raises(ConfigError, match=r"b\.toml: cannot be read: No such file"):
        load_experiment(tmp_path / "b.toml")
