"""Networks of the literature: the rates that others found for them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bidl_sim import Simulator
from bidl_sim.bench import limits, networks
from bidl_sim.bench.simulation import WORKS, measure
from bidl_sim.cli import main


def rate(net, steps: int, dt: float, names=("exc", "inh"), seed: int = 0) -> float:
    """Spikes per neuron and second."""
    sim = Simulator(net, seed=seed)
    assert sim.engine == "event"
    probes = [sim.probe(f"{name}.s_out") for name in names]
    sim.run(steps=steps, progress=False)
    return sum(len(p.events) for p in probes) / networks.neurons(net) / (steps * dt)


def test_cuba_fires_as_published() -> None:
    """5.64 Hz with a standard deviation of 0.19 over single runs of 1 s, start included."""
    found = [rate(networks.cuba(seed=seed), 10_000, 1e-4) for seed in range(5)]
    assert np.mean(found) == pytest.approx(5.64, abs=0.19)


def test_the_large_cuba_fires_alike() -> None:
    """5.68 Hz, standard deviation 0.12; three of them."""
    assert rate(networks.cuba(16_000), 10_000, 1e-4) == pytest.approx(5.68, abs=0.36)


def test_a_small_brunel_network_fires_as_published() -> None:
    """62.7 Hz for 1250 neurons with the same mean input, the mean of five runs.

    Single runs scatter by 3 Hz; the bound is three standard errors of the difference of the means.
    """
    found = [rate(networks.brunel(1250, seed=seed), 10_000, 1e-4, seed=seed) for seed in range(8)]
    assert np.mean(found) == pytest.approx(62.7, abs=3 * 3 * np.sqrt(1 / 5 + 1 / 8))


def test_the_brunel_network_fires_as_published() -> None:
    """37.7 Hz, standard deviation 0.2; three of them. A third of the second is enough."""
    assert rate(networks.brunel(), 3000, 1e-4) == pytest.approx(37.7, rel=0.03)


def test_the_chain_counts_every_spike() -> None:
    """Known exactly in double precision, population by population."""
    sim = Simulator(networks.chain(), engine="event", dtype="float64")
    probes = [sim.probe(f"p{k}.s_out") for k in range(10)]
    sim.run(steps=10_000, progress=False)
    assert [len(p.events) for p in probes] == [
        101_508, 100_567, 101_041, 100_322, 98_690, 99_434, 97_520, 99_917, 98_622, 98_884,
    ]  # fmt: skip


def test_learning_moves_the_mean_weight_as_published() -> None:
    """From 1.62 mV by 0.0014 in one second, to within 0.0003 in a single run."""
    sim = Simulator(networks.stdp(), engine="event")
    sim.run(steps=10_000, progress=False)
    weight = sim.read("exc_to_exc.weight")
    assert weight.mean() - 1.62 == pytest.approx(0.0014, abs=0.0003)
    assert weight.std() > 0.01


def test_the_hand_written_loops_do_the_same_networks() -> None:
    """Without noise the counts agree but for rounding; with it, the rates."""
    chain = networks.chain()
    assert limits.chain(chain, 2000)() == pytest.approx(measure_spikes(chain, 2000), abs=20)
    cuba = networks.cuba()
    assert limits.cuba(cuba, 3000)() == pytest.approx(measure_spikes(cuba, 3000), rel=0.05)
    stdp = networks.stdp()
    assert limits.stdp(stdp, 3000)() == pytest.approx(measure_spikes(stdp, 3000), rel=0.05)
    brunel = networks.brunel(1250)
    assert limits.brunel(brunel, 3000)() == pytest.approx(measure_spikes(brunel, 3000), rel=0.05)


def measure_spikes(net, steps: int) -> int:
    sim = Simulator(net, engine="event")
    names = [name for name, p in net.processes.items() if hasattr(p, "v_th")]
    probes = [sim.probe(f"{name}.s_out") for name in names]
    sim.run(steps=steps, progress=False)
    return sum(len(p.events) for p in probes)


def test_the_command_measures(capsys) -> None:
    assert main(["bench", "cuba", "--steps", "200", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["neurons"] == 4000
    assert row["ratio_to_limit"] > 0
    assert main(["bench", "chain", "--steps", "200"]) == 0
    assert "us/step" in capsys.readouterr().out
    assert set(measure("chain", 50)) == set(row)
    assert set(WORKS) == {"cuba", "cuba_16000", "stdp", "brunel", "chain"}
