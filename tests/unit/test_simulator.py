"""What a person holds: run, step, reset, read, write, save, restore, Ctrl-C."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
import torch

from bidl_sim import Network, Simulator
from bidl_sim.errors import DataError, ParameterError, ShapeError, StateError
from bidl_sim.processes import (
    LIF,
    ArraySource,
    Callback,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    Input,
    Poisson,
    TimeMean,
    TimeSum,
)


def net() -> Network:
    return Network.sequential(Input(3), Dense(3, 4), LIF(alpha=0.9), Dense(4, 2), TimeMean())


def spiking() -> Network:
    return Network.sequential(
        Input((2, 5, 5)), Conv2d(2, 3, 3), LIF(), Flatten(), Dense(27, 2), LIF()
    )


def frames(rng, *shape: int) -> np.ndarray:
    return rng.normal(size=shape)


def test_a_sequence_comes_back_as_it_was_given(rng) -> None:
    x = frames(rng, 4, 7, 2, 5, 5)
    whole = Simulator(spiking()).run(x)
    assert isinstance(whole, np.ndarray)
    assert whole.shape == (4, 7, 2)
    single = Simulator(spiking()).run(x[0])
    assert single.shape == (7, 2)
    tensor = Simulator(spiking()).run(torch.tensor(x))
    assert isinstance(tensor, torch.Tensor)
    assert tensor.shape == (4, 7, 2)
    named = Simulator(spiking()).run({"input1.s_out": x})
    np.testing.assert_array_equal(named, whole)


def test_steps_add_up_to_a_run(rng) -> None:
    x = frames(rng, 9, 3)
    whole = Simulator(net(), dtype="float64").run(x)
    sim = Simulator(net(), dtype="float64")
    for frame in x:
        last = sim.step(frame)
    assert sim.t == 9
    np.testing.assert_allclose(last, whole, atol=1e-14)


def test_a_mean_over_time_is_right_after_every_step(rng) -> None:
    x = frames(rng, 6, 3)
    sim = Simulator(Network.sequential(Input(3), TimeMean()), dtype="float64")
    for k, frame in enumerate(x):
        np.testing.assert_allclose(sim.step(frame), x[: k + 1].mean(0), atol=1e-14)
    total = Simulator(Network.sequential(Input(3), TimeSum()), dtype="float64")
    np.testing.assert_allclose(total.run(x), x.sum(0), atol=1e-14)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16", torch.float64])
@pytest.mark.parametrize("schedule", ["timestep", "process"])
def test_all_formats_run_in_both_schedules(dtype, schedule, rng) -> None:
    sim = Simulator(spiking(), dtype=dtype, schedule=schedule)
    out = sim.run(frames(rng, 2, 5, 2, 5, 5))
    assert out.shape == (2, 5, 2)
    assert np.isin(out.astype(np.float64), (0, 1)).all()
    assert np.isfinite(sim.read("lif1.v").astype(np.float64)).all()


@pytest.mark.parametrize(
    ("values", "error", "text"),
    [
        (np.zeros((5, 4)), ShapeError, r"must have shape \(time, 3\) or \(batch, time, 3\), got"),
        (np.zeros(3), ShapeError, "must have shape"),
        (np.full((5, 3), np.nan), DataError, "contains NaN or infinite values"),
        (np.array([["a"] * 3]), DataError, "must be numbers, got dtype"),
        (np.zeros((5, 3), complex), DataError, "must be numbers"),
        (np.zeros((0, 3)), ShapeError, "no timesteps"),
        ({"other": np.zeros((5, 3))}, StateError, "the network has no such input; has: 'input1'"),
        (None, StateError, "no values were given for it"),
    ],
)
def test_wrong_inputs_are_named(values, error, text) -> None:
    with pytest.raises(error, match=text):
        Simulator(net()).run(values)


def test_a_wrong_input_changes_nothing(rng) -> None:
    sim = Simulator(net())
    probe = sim.probe("lif1.v")
    sim.run(frames(rng, 4, 3))
    before, data = sim.state_dict(), probe.data
    for wrong in (np.zeros((5, 4)), np.full((2, 3), np.inf), np.zeros((2, 5, 3))):
        with pytest.raises((ShapeError, DataError, StateError)):
            sim.run(wrong)
    for path, value in sim.state_dict().items():
        np.testing.assert_array_equal(value, before[path])
    np.testing.assert_array_equal(probe.data, data)


def test_another_batch_asks_for_a_reset(rng) -> None:
    sim = Simulator(net())
    sim.run(frames(rng, 2, 4, 3))
    with pytest.raises(StateError, match=r"belongs to a batch of 2, .* help: call reset"):
        sim.run(frames(rng, 3, 4, 3))
    sim.reset()
    assert sim.run(frames(rng, 3, 4, 3)).shape == (3, 2)


def test_steps_are_needed_without_inputs() -> None:
    sim = Simulator(Network.sequential(Poisson(3), LIF()))
    with pytest.raises(ParameterError, match="must be given: the network has no inputs"):
        sim.run()
    assert sim.run(steps=6).shape == (6, 3)


def test_steps_must_agree_with_the_inputs(rng) -> None:
    with pytest.raises(ParameterError, match="is 9, the inputs have 4"):
        Simulator(net()).run(frames(rng, 4, 3), steps=9)


def test_states_are_read_and_written(rng) -> None:
    sim = Simulator(net())
    assert sim.read("lif1.v").shape == (4,)
    sim.write("lif1.v", [0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(sim.read("lif1.v"), [0.1, 0.2, 0.3, 0.4])
    sim.write("lif1.v", 0.25)
    x = frames(rng, 2, 1, 3)
    sim.run(x)  # a batch takes over what was written for one sample
    reference = Simulator(net())
    reference.run(np.zeros((2, 1, 3)))
    assert sim.read("lif1.v").shape == (2, 4)
    sim.reset()
    np.testing.assert_array_equal(sim.read("lif1.v"), np.zeros(4))


def test_a_written_potential_is_where_a_run_goes_on() -> None:
    sim = Simulator(Network.sequential(Input(1), LIF(alpha=0.5, v_th=10.0)), dtype="float64")
    sim.write("lif1.v", 4.0)
    sim.run(np.zeros((2, 1)))
    assert sim.read("lif1.v").tolist() == [1.0]


def test_parameters_are_read_and_written_for_one_simulator() -> None:
    network = Network.sequential(Input(2), Dense(2, 2, weight=np.eye(2), bias=False))
    sim = Simulator(network)
    sim.write("dense1.weight", 2 * np.eye(2))
    sim.reset()
    assert sim.run(np.ones((1, 2))).tolist() == [[2, 2]]
    assert network.processes["dense1"].parameters()["weight"].tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("lif1.v", np.zeros(5), r"must have shape \(4,\), got \(5,\)"),
        ("lif1.v", np.nan, "must be finite numbers"),
        ("lif1.v_th", -1.0, "must be > 0, got -1"),
        ("lif1.w", 0.0, r"no such state, parameter or port\. help: near: lif1\.v"),
        ("lif1.s_out", 0.0, "is a port"),
    ],
)
def test_wrong_writes_are_named(path, value, text) -> None:
    with pytest.raises((ShapeError, ParameterError, StateError), match=text):
        Simulator(net()).write(path, value)


def test_a_state_dict_goes_through_a_file(rng, tmp_path) -> None:
    x = frames(rng, 2, 9, 3)
    sim = Simulator(net())
    sim.run(x[:, :4])
    np.savez(tmp_path / "state.npz", **sim.state_dict())
    rest = sim.run(x[:, 4:])
    other = Simulator(net())
    other.load_state_dict(np.load(tmp_path / "state.npz"))
    assert other.t == 4
    np.testing.assert_array_equal(other.run(x[:, 4:]), rest)


def test_a_state_dict_that_does_not_fit_changes_nothing(rng) -> None:
    sim = Simulator(net())
    sim.run(frames(rng, 3, 3))
    good = sim.state_dict()
    with pytest.raises(StateError, match=r"missing or unknown: lif1\.v"):
        sim.load_state_dict({k: v for k, v in good.items() if k != "lif1.v"})
    with pytest.raises(ShapeError, match=r"must have shape \(1, 4\), got \(1, 5\)"):
        sim.load_state_dict({**good, "lif1.v": np.zeros((1, 5))})
    for path, value in sim.state_dict().items():
        np.testing.assert_array_equal(value, good[path])


@pytest.mark.parametrize(
    "options", [{"schedule": "timestep"}, {"schedule": "process"}, {"engine": "event"}]
)
def test_ctrl_c_leaves_a_state_to_go_on_from(options, rng) -> None:
    x = frames(rng, 3000, 1)

    def press(t: int, seen: np.ndarray) -> np.ndarray:
        if t == 1500 and not pressed:
            pressed.append(t)
            os.kill(os.getpid(), signal.SIGINT)
        return seen

    pressed: list[int] = []
    sequence = Network.sequential(Input(1), Callback(press, 1), LIF(alpha=0.9))
    reference = Simulator(Network.sequential(Input(1), LIF(alpha=0.9))).run(x)
    sim = Simulator(sequence, **options)
    probe = sim.probe("lif1.s_out")
    with pytest.raises(KeyboardInterrupt):
        sim.run(x)
    assert 1500 < sim.t < 3000
    assert len(probe.data) == sim.t
    rest = sim.run(x[sim.t :])
    np.testing.assert_array_equal(probe.data, reference)
    np.testing.assert_array_equal(rest, reference[-len(rest) :])


def test_ctrl_c_is_as_before_after_a_run(rng) -> None:
    before = signal.getsignal(signal.SIGINT)
    Simulator(net()).run(frames(rng, 3, 3))
    assert signal.getsignal(signal.SIGINT) is before


def test_the_world_can_be_closed_around_a_step() -> None:
    """A neuron pushes a weight back up each time it falls."""
    sim = Simulator(Network.sequential(Input(1), LIF(alpha=1.0, v_th=1.0)))
    height = 0.0
    for _ in range(200):
        spike = sim.step([max(0.0, -height)])
        height += -0.05 + 0.6 * float(spike[0])
    assert -2 < height < 1


def test_sources_play_what_they_hold() -> None:
    values = np.arange(6.0).reshape(3, 2)
    once = Simulator(Network.of(ArraySource(values))).run(steps=5)
    np.testing.assert_array_equal(once, [*values, [0, 0], [0, 0]])
    again = Simulator(Network.of(ArraySource(values, repeat=True))).run(steps=5)
    np.testing.assert_array_equal(again, [*values, *values[:2]])


def test_poisson_fires_at_its_rate() -> None:
    rates = np.linspace(0, 1, 50)
    spikes = Simulator(Network.of(Poisson(50, rate=rates))).run(steps=4000)
    error = np.sqrt(rates * (1 - rates) / 4000)
    assert np.all(np.abs(spikes.mean(0) - rates) <= 4.5 * error + 1e-12)  # 4.5 sigma, 50 draws
    other = Simulator(Network.of(Poisson(50, rate=rates)), seed=1).run(steps=4000)
    assert not np.array_equal(spikes, other)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"engine": "gpu"}, "engine: must be one of auto, torch, event, got 'gpu'"),
        ({"schedule": "both"}, "schedule: must be one of auto, timestep, process"),
        ({"dtype": "int8"}, "dtype: must be one of float64, float32, bfloat16, float16"),
        ({"device": "tpu:7"}, "device: 'tpu:7' is not usable"),
        ({"seed": -1}, "seed: must be at least 0"),
    ],
)
def test_wrong_options_are_named(options, text) -> None:
    with pytest.raises(ParameterError, match=text):
        Simulator(net(), **options)


def test_one_process_stands_for_what_it_is_connected_to() -> None:
    source, lif = Poisson(3), LIF()
    source.s_out.connect(lif)
    assert Simulator(lif).run(steps=2).shape == (2, 3)


def test_a_closed_simulator_does_not_run(rng) -> None:
    with Simulator(net()) as sim:
        sim.run(frames(rng, 4, 3))
    with pytest.raises(StateError, match=r"Simulator: is closed\. help: make a new one"):
        sim.run(frames(rng, 4, 3))


def test_what_exists_in_training_only_says_so() -> None:
    sim = Simulator(Network.sequential(Input(3), Dropout(0.5)))
    with pytest.raises(StateError, match="is kept in training only"):
        sim.read("dropout1.mask")
    with pytest.raises(StateError, match="is kept in training only"):
        sim.probe("dropout1.mask")
