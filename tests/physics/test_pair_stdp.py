"""Pairs of spikes: the change of a weight against the exponential window."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bidl_sim import Network, Simulator
from bidl_sim.processes import LIF, Dense, PairSTDP, Sparse, SpikeSource
from bidl_sim.processes.synapses.distributions import Constant

RULE = {"a_plus": 0.02, "a_minus": 0.03, "tau_plus": 17.0, "tau_minus": 34.0, "dt": 0.5}
ENGINES = pytest.mark.parametrize("engine", ["torch", "event"])


def learned(pre: list[int], post: list[int], engine: str, steps: int = 60, **more) -> float:
    """The weight between two neurons that spike at these steps; it begins at 0.5."""
    net = Network()
    source = net.add(SpikeSource(1, pre, [0] * len(pre), name="pre"))
    forced = net.add(SpikeSource(1, post, [0] * len(post), name="post"))
    target = net.add(LIF(n=1, alpha=0.0, v_th=5.0, name="target"))
    strong = net.add(Dense(1, 1, weight=[[10.0]], bias=False))
    synapse = net.add(Sparse.all_to_all(1, 1, weight=Constant(0.5), name="synapse"))
    for start, end in ((source, synapse), (synapse, target), (forced, strong), (strong, target)):
        net.connect(start, end)
    net.add(PairSTDP(**{**RULE, **more})).learn_between(source, synapse, target)
    sim = Simulator(net, engine=engine, dtype="float64")
    sim.run(steps=steps, progress=False)
    return float(sim.read("synapse.weight")[0])


@ENGINES
@pytest.mark.parametrize("lag", [1, 4, 25])
def test_source_before_target_strengthens(engine, lag) -> None:
    expected = 0.5 + 0.02 * math.exp(-lag * 0.5 / 17)
    assert learned([5], [5 + lag], engine) == pytest.approx(expected, abs=1e-12)


@ENGINES
@pytest.mark.parametrize("lag", [1, 4, 25])
def test_target_before_source_weakens(engine, lag) -> None:
    expected = 0.5 - 0.03 * math.exp(-lag * 0.5 / 34)
    assert learned([5 + lag], [5], engine) == pytest.approx(expected, abs=1e-12)


@ENGINES
def test_a_pair_in_one_step_changes_nothing(engine) -> None:
    assert learned([7], [7], engine) == 0.5


@ENGINES
def test_every_pair_counts(engine) -> None:
    pre, post = [3, 11, 30], [9, 20, 21]
    change = 0.0
    for i in pre:
        for j in post:
            gap = 0.5 * abs(i - j)
            change += 0.02 * math.exp(-gap / 17) if i < j else -0.03 * math.exp(-gap / 34)
    assert learned(pre, post, engine) == pytest.approx(0.5 + change, abs=1e-12)


@ENGINES
def test_weights_stay_within_their_bounds(engine) -> None:
    early, late = list(range(0, 40, 2)), list(range(1, 41, 2))
    assert learned(early, late, engine, a_minus=0.0, w_max=0.6) == pytest.approx(0.6, abs=1e-12)
    assert learned(late, early, engine, a_plus=0.0, w_min=0.4) == pytest.approx(0.4, abs=1e-12)


@ENGINES
def test_a_changed_weight_is_delivered_from_the_next_step_on(engine) -> None:
    """Source spikes at 2 and 9; the target, forced at 4, is driven by the source alone."""
    net = Network()
    source = net.add(SpikeSource(1, [2, 4, 9], [0, 0, 0], name="pre"))
    synapse = net.add(Sparse.all_to_all(1, 1, weight=Constant(0.5), name="synapse"))
    target = net.add(LIF(n=1, alpha=0.0, v_th=0.45, name="target"))
    net.connect(source, synapse)
    net.connect(synapse, target)
    rule = PairSTDP(a_plus=0.1, a_minus=0.0, tau_plus=1e9, tau_minus=1e9, dt=1.0)
    net.add(rule).learn_between(source, synapse, target)
    sim = Simulator(net, engine=engine, dtype="float64")
    arrived = sim.probe("target.a_in")
    sim.run(steps=12, progress=False)
    found = arrived.data.ravel()
    # the target fires with each source spike; one earlier source spike at 4, two at 9
    np.testing.assert_allclose(found[[2, 4, 9]], [0.5, 0.5, 0.6], atol=1e-9)
    assert float(sim.read("synapse.weight")[0]) == pytest.approx(0.8, abs=1e-8)
