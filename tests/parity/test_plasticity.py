"""Learned weights and the spikes they lead to, the same in both engines."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bidl_sim import Network, Simulator, State
from bidl_sim.core.intrinsics import clip, where
from bidl_sim.errors import GraphError, ParameterError, ShapeError
from bidl_sim.processes import LIF, Dense, Input, PairSTDP, Plasticity, Poisson, Sparse
from bidl_sim.processes.synapses.distributions import Constant, Normal, Steps
from bidl_sim.trainers import Unroll


class ThreeTraces(Plasticity):
    """Two traces of the source, a choice, and a weight that decays when its source spikes."""

    fast = State(0.0, like="pre")
    slow = State(0.2, like="pre")
    y = State(0.0, like="post")

    def on_pre(self, weight, y):
        return clip(0.99 * weight - 0.02 * y, -1.0, 1.0)

    def on_post(self, weight, fast, slow):
        return where(weight > 0.9, weight, weight + 0.05 * fast - 0.01 * slow)

    def update_pre(self, pre, fast, slow):
        return 0.5 * fast + pre, 0.9 * slow + 0.3 * pre

    def update_post(self, post, y):
        return 0.8 * y + post


class EveryThird(Plasticity):
    """No traces: the spikes of the last step of an epoch, and which step it is."""

    epoch = 3

    def on_epoch(self, weight, pre, post, t):
        return weight + 0.01 * pre - 0.02 * post + 1e-4 * t

    def update_pre(self):
        return ()

    def update_post(self):
        return ()


def network(synapse, rule, into: int = 0, late: int = 0) -> Network:
    """Twenty noisy sources on ten neurons; connections and what the rule hears may be late."""
    net = Network()
    source = net.add(Poisson(20, rate=0.2, name="source"))
    target = net.add(LIF(n=10, alpha=0.8, v_th=1.0, name="target"))
    synapse.name = "synapse"
    source.s_out.connect(net.add(synapse).s_in, delay=into)
    net.connect(synapse, target)
    net.add(rule, "rule")
    source.s_out.connect(rule.pre, delay=late)
    target.s_out.connect(rule.post)
    rule.ports["weight"].connect(synapse, "weight")
    return net


SYNAPSES = {
    "sparse": lambda: Sparse.fixed_probability(20, 10, 0.5, weight=Normal(0.3, 0.1), seed=2),
    "delays": lambda: Sparse.fixed_in_degree(20, 10, 8, weight=Constant(0.3), delay=Steps(0, 3)),
    "dense": lambda: Dense(20, 10, weight=np.full((10, 20), 0.1), bias=np.linspace(0, 0.1, 10)),
}


@pytest.mark.parametrize("name", SYNAPSES)
@pytest.mark.parametrize("rule", [lambda: PairSTDP(a_plus=0.05, a_minus=0.04, dt=2), ThreeTraces])
@pytest.mark.parametrize(("into", "late"), [(0, 0), (2, 0), (1, 1)])
def test_both_engines_learn_alike(name, rule, into, late) -> None:
    found = []
    for engine in ("torch", "event"):
        made = rule()
        net = network(SYNAPSES[name](), made, into, late)
        sim = Simulator(net, engine=engine, dtype="float64")
        spikes = sim.probe("target.s_out")
        for steps in (40, 1, 59):
            sim.run(steps=steps, progress=False)
        states = [sim.read(f"rule.{trace}") for trace in made.state_specs]
        found.append([spikes.data, sim.read("synapse.weight"), *states])
    first = np.asarray(net.processes["synapse"].weight)
    assert np.abs(found[0][1] - first).max() > 0.01
    assert 50 < found[0][0].sum() < 950
    for one, two in zip(*found, strict=True):
        # currents may be summed in another order, and weights follow spikes, which may not differ
        np.testing.assert_allclose(two, one, atol=1e-12)


@pytest.mark.parametrize("engine", ["torch", "event"])
@pytest.mark.parametrize("kind", ["sparse", "dense"])
def test_each_sample_learns_weights_of_its_own(engine, kind, rng) -> None:
    def simulator() -> Simulator:
        if kind == "dense":
            synapse = Dense(6, 4, weight=np.full((4, 6), 0.3), bias=False)
        else:
            synapse = Sparse.all_to_all(6, 4, weight=Constant(0.3))
        net = Network.sequential(Input(6), synapse, LIF(alpha=0.7))
        a, b, c = net.processes.values()
        net.add(PairSTDP(a_plus=0.05, dt=2.0)).learn_between(a, b, c)
        return Simulator(net, engine=engine, dtype="float64")

    values = (rng.random((3, 30, 6)) < 0.3).astype(float)
    together = simulator()
    out = together.run(values)
    weights = together.read(f"{kind}1.weight")
    assert len(weights) == 3
    for k in range(3):
        alone = simulator()
        np.testing.assert_array_equal(alone.run(values[k]), out[k])
        np.testing.assert_allclose(alone.read(f"{kind}1.weight"), weights[k], atol=1e-14)


@pytest.mark.parametrize("late", [0, 2])
def test_what_happens_at_the_end_of_an_epoch(late) -> None:
    for engine in ("torch", "event"):
        net = network(SYNAPSES["dense"](), EveryThird(), late=late)
        sim = Simulator(net, engine=engine, dtype="float64")
        pre, post = sim.probe("source.s_out"), sim.probe("target.s_out")
        for steps in (4, 1, 15):
            sim.run(steps=steps, progress=False)
        heard = np.concatenate([np.zeros((late, 20)), pre.data])[2:20:3]
        change = 0.01 * heard.sum(0) - 0.02 * post.data[2:20:3].sum(0)[:, None]
        np.testing.assert_allclose(sim.read("synapse.weight"), 0.1 + change + 1e-4 * 57, atol=1e-12)


def test_reset_and_restore_of_learned_weights() -> None:
    sim = Simulator(network(SYNAPSES["sparse"](), PairSTDP(a_plus=0.05, dt=2)), engine="event")
    first = sim.read("synapse.weight")
    sim.run(steps=50)
    saved, learned = sim.state_dict(), sim.read("synapse.weight")
    sim.reset()
    np.testing.assert_array_equal(sim.read("synapse.weight"), first)
    sim.load_state_dict(saved)
    np.testing.assert_array_equal(sim.read("synapse.weight"), learned)
    assert np.abs(learned - first).max() > 0
    sim.reset()
    sim.write("synapse.weight", np.full_like(first, 0.25))
    sim.reset()
    assert (sim.read("synapse.weight") == 0.25).all()


def test_gradients_flow_through_learning() -> None:
    """What is learned online depends on the first weights, which training may change."""
    net = Network.sequential(Input(3), Dense(3, 2, bias=False), LIF(alpha=0.8))
    source, synapse, target = net.processes.values()
    net.add(PairSTDP(a_plus=0.1, dt=2.0)).learn_between(source, synapse, target)
    model = Unroll(net, dtype="float64", kernels="eager")
    model(torch.ones(2, 8, 3, dtype=torch.float64)).sum().backward()
    assert model.dense1.weight.grad.abs().sum() > 0


def test_what_a_rule_refuses() -> None:
    shared = Sparse.all_to_all(20, 10, weight=0.3)
    with pytest.raises(ShapeError, match=r"weight: is one number for 200 synapses"):
        network(shared, PairSTDP()).build()
    rule = PairSTDP()
    net = network(SYNAPSES["sparse"](), rule)
    other = Sparse.all_to_all(7, 10, weight=Constant(1.0), name="other")
    net.connect(net.add(Input(7)), net.add(other))
    net.connect(other, net.processes["target"])
    rule.ports["weight"].connect(other, "weight")
    with pytest.raises(ShapeError, match=r"pre: receives shape \(20,\), Sparse .* has \(7,\)"):
        net.build()
    rule.ports["weight"].connect(net.processes["target"], "v")
    with pytest.raises(GraphError, match="must refer to the weight of Sparse or Dense"):
        net.build()
    with pytest.raises(ParameterError, match=r"w_min: is 2\.0, above w_max = 1\.0"):
        PairSTDP(w_min=2.0)
    with pytest.raises(GraphError, match=r"on_pre: argument 'z' is none of t, weight, y"):

        class Wrong(Plasticity):
            y = State(0.0, like="post")

            def on_pre(self, weight, z):
                return weight

    with pytest.raises(GraphError, match="has none of on_pre, on_post, on_epoch"):

        class Nothing(Plasticity):
            pass
