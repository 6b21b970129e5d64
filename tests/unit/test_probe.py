"""Probes: several at once, every k steps, some neurons, in memory or in a file."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from bidl_sim import Network, Simulator
from bidl_sim.errors import BidlError, ParameterError, StateError
from bidl_sim.processes import LIF, Conv2d, Input


def net() -> Network:
    return Network.sequential(Input((1, 4, 4)), Conv2d(1, 2, 3, padding=1), LIF(alpha=0.8))


@pytest.fixture
def x(rng) -> np.ndarray:
    return rng.normal(0.5, 1.0, (3, 11, 1, 4, 4))


@pytest.mark.parametrize("schedule", ["timestep", "process"])
def test_states_and_ports_are_recorded_together(schedule, x) -> None:
    sim = Simulator(net(), schedule=schedule, dtype="float64")
    paths = ("input1.s_out", "conv2d1.a_out", "lif1.a_in", "lif1.v", "lif1.s_out")
    probes = [sim.probe(path) for path in paths]
    out = sim.run(x)
    given, current, arriving, v, spikes = (probe.data for probe in probes)
    np.testing.assert_array_equal(given, x)
    np.testing.assert_array_equal(current, arriving)
    np.testing.assert_array_equal(spikes, out)
    before = np.concatenate([np.zeros_like(v[:, :1]), v[:, :-1]], 1)
    u = before + current
    np.testing.assert_array_equal(spikes, u > 0.5)
    np.testing.assert_allclose(v, 0.8 * np.where(spikes == 1, 0.0, u), atol=1e-15)


def test_every_counts_from_the_reset(x) -> None:
    sim = Simulator(net())
    all_steps, some = sim.probe("lif1.v"), sim.probe("lif1.v", every=4)
    sim.run(x[:, :3])
    sim.run(x[:, 3:])
    assert some.steps.tolist() == [0, 4, 8]
    np.testing.assert_array_equal(some.data, all_steps.data[:, ::4])


@pytest.mark.parametrize("index", [0, [0, 1], slice(1, None), (1, 2), (0, 1, slice(2)), (..., 0)])
def test_an_index_chooses_neurons_as_numpy_does(index, x) -> None:
    sim = Simulator(net())
    everything, chosen = sim.probe("lif1.v"), sim.probe("lif1.v", index=index)
    sim.run(x)
    inner = index if isinstance(index, tuple) else (index,)
    np.testing.assert_array_equal(chosen.data, everything.data[(slice(None), slice(None), *inner)])
    assert chosen.shape == chosen.data.shape[2:]


def test_a_single_sample_has_no_batch_axis(x) -> None:
    sim = Simulator(net())
    probe = sim.probe("lif1.v")
    assert probe.data.shape == (0, 2, 4, 4)
    sim.run(x[0])
    assert probe.data.shape == (11, 2, 4, 4)
    assert repr(probe) == "Probe('lif1.v', 11 steps of shape (2, 4, 4))"


@pytest.mark.parametrize("batched", [True, False])
def test_a_file_holds_what_memory_would(batched, x, tmp_path) -> None:
    x = x if batched else x[0]
    with Simulator(net()) as sim:
        memory = sim.probe("lif1.v", every=2)
        stream = sim.probe("lif1.v", every=2, to=tmp_path / "run.h5")
        other = sim.probe("lif1.s_out", index=0, to=tmp_path / "run.h5")
        half = x[:, :5] if batched else x[:5]
        rest = x[:, 5:] if batched else x[5:]
        sim.run(half)
        sim.run(rest)
        np.testing.assert_array_equal(stream.data, memory.data)
        np.testing.assert_array_equal(stream.steps, memory.steps)
        assert other.data.shape[-2:] == (4, 4)
        sim.reset()
        sim.run(x)
        np.testing.assert_array_equal(stream.data, memory.data)
    with h5py.File(tmp_path / "run.h5") as file:
        assert set(file) == {"lif1.v", "lif1.s_out"}
        assert set(file["lif1.v"]) == {"run0", "run1"}
        np.testing.assert_array_equal(file["lif1.v/run1/data"], file["lif1.v/run0/data"])
        assert file["lif1.v/run0/steps"][:].tolist() == [0, 2, 4, 6, 8, 10]
    with pytest.raises(BidlError, match="was closed with its simulator"):
        _ = stream.data


def test_a_file_that_is_not_ours_is_left_alone(x, tmp_path) -> None:
    other = tmp_path / "thesis.h5"
    with h5py.File(other, "w") as file:
        file["results"] = [1, 2, 3]
    with pytest.raises(ParameterError, match="exists and holds no probes"):
        Simulator(net()).probe("lif1.v", to=other)
    with h5py.File(other) as file:
        assert file["results"][:].tolist() == [1, 2, 3]


def test_an_old_probe_file_is_replaced(x, tmp_path) -> None:
    for _ in range(2):
        with Simulator(net()) as sim:
            sim.probe("lif1.v", to=tmp_path / "run.h5")
            sim.run(x)


@pytest.mark.parametrize(
    ("path", "options", "text"),
    [
        ("lif2.v", {}, r"no such state, parameter or port\. help: near: lif1\.v"),
        ("lif1.alpha", {}, r"is a parameter\. help: use read"),
        ("lif1.v", {"every": 0}, "every: must be at least 1, got 0"),
        ("lif1.v", {"index": 7}, r"index: does not fit the shape \(2, 4, 4\)"),
        ("lif1.v", {"index": "first"}, "index: does not fit"),
    ],
)
def test_wrong_probes_are_refused_at_once(path, options, text) -> None:
    with pytest.raises((StateError, ParameterError), match=text):
        Simulator(net()).probe(path, **options)


def test_probing_does_not_change_the_run(x) -> None:
    plain = Simulator(net()).run(x)
    sim = Simulator(net())
    for path in ("lif1.v", "lif1.a_in", "conv2d1.a_out"):
        sim.probe(path, every=3)
    np.testing.assert_array_equal(sim.run(x), plain)
