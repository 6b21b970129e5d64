"""A temporal mean has a place in the graph: mean then head is not head then mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bidl_sim import Network, Simulator
from bidl_sim.processes import (
    LIF,
    Activation,
    ArraySource,
    Dense,
    Input,
    LastStep,
    Sink,
    TimeMean,
    TimeSum,
)
from bidl_sim.trainers import Unroll


def body() -> tuple:
    """A synapse and a neuron; the same weights at every call."""
    return Dense(4, 6, weight=np.random.default_rng(1).normal(size=(6, 4))), LIF(alpha=0.8)


def head() -> tuple:
    """A synapse, a non-linearity and a synapse."""
    rng = np.random.default_rng(2)
    return (
        Dense(6, 5, weight=rng.normal(size=(5, 6)), bias=False),
        Activation("relu"),
        Dense(5, 3, weight=rng.normal(size=(3, 5)), bias=False),
    )


def by_hand(hidden: np.ndarray) -> np.ndarray:
    first, _, last = head()
    return np.maximum(hidden @ first.weight.T, 0) @ last.weight.T


@pytest.mark.parametrize("aggregate", [TimeMean, TimeSum, LastStep])
def test_both_schedules_agree_before_a_non_linear_head(aggregate, rng) -> None:
    x = rng.normal(size=(3, 11, 4))
    net = Network.sequential(Input(4), *body(), aggregate(), *head())
    timestep, process = (
        Simulator(net, schedule=s, dtype="float64").run(x) for s in ("timestep", "process")
    )
    np.testing.assert_allclose(timestep, process, atol=1e-12)
    spikes = Simulator(Network.sequential(Input(4), *body()), dtype="float64").run(x)
    total = {"TimeMean": spikes.mean(1), "TimeSum": spikes.sum(1), "LastStep": spikes[:, -1]}
    np.testing.assert_allclose(process, by_hand(total[aggregate.__name__]), atol=1e-12)


def test_mean_then_head_is_not_head_then_mean(rng) -> None:
    x = rng.normal(size=(3, 11, 4))
    early = Simulator(Network.sequential(Input(4), *body(), TimeMean(), *head())).run(x)
    late = Simulator(Network.sequential(Input(4), *body(), *head(), TimeMean())).run(x)
    assert np.abs(early - late).max() > 1e-3


def test_a_probe_after_the_mean_sees_every_step(rng) -> None:
    x = rng.normal(size=(2, 7, 4))
    net = Network.sequential(Input(4), TimeMean(), Dense(4, 3), Activation("relu"))
    found = []
    for schedule in ("timestep", "process"):
        sim = Simulator(net, schedule=schedule, dtype="float64")
        probe = sim.probe("dense1.a_out")
        out = sim.run(x)
        found.append(probe.data)
        np.testing.assert_allclose(np.maximum(probe.data[:, -1], 0), out)
    np.testing.assert_allclose(found[0], found[1], atol=1e-14)


def test_a_sink_after_the_mean_has_no_time(rng) -> None:
    for schedule in ("timestep", "process"):
        net = Network.sequential(Input(4), TimeMean(), Dense(4, 3), Sink(name="scores"))
        assert Simulator(net, schedule=schedule).run(rng.normal(size=(2, 7, 4))).shape == (2, 3)


def test_a_timed_branch_and_an_aggregated_one_add_up_in_every_step(rng) -> None:
    values = rng.normal(size=(6, 3))
    for schedule in ("timestep", "process"):
        net = Network()
        source, mean, lif = (
            net.add(ArraySource(values)),
            net.add(TimeMean()),
            net.add(LIF(v_th=99.0, alpha=0.0)),
        )
        net.connect(source, mean)
        net.connect(source, lif)
        net.connect(mean, lif)
        sim = Simulator(net, schedule=schedule, dtype="float64")
        arriving = sim.probe("lif1.a_in")
        sim.run(steps=6)
        running = np.cumsum(values, 0) / np.arange(1, 7)[:, None]
        np.testing.assert_allclose(arriving.data, values + running, atol=1e-14)


def test_gradients_flow_through_the_mean(rng) -> None:
    x = torch.tensor(rng.normal(size=(2, 5, 4)), requires_grad=True)
    net = Network.sequential(Input(4), TimeMean())
    Unroll(net, dtype="float64")(x).sum().backward()
    torch.testing.assert_close(x.grad, torch.full_like(x, 1 / 5))
