"""Are sparse connections those asked for, in simulation and in training?"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import torch

from bidl_sim import Network, Simulator, netx
from bidl_sim.errors import ParameterError, ShapeError, StateError
from bidl_sim.processes import LIF, Dense, Input, Poisson, Sparse
from bidl_sim.processes.synapses.distributions import LogNormal, Normal, Steps, Uniform
from bidl_sim.trainers import Unroll


def matrix(sparse: Sparse) -> np.ndarray:
    """``(out, in)``, the weights of equal pairs added."""
    dense = np.zeros((sparse.out_features, sparse.in_features))
    sources = np.repeat(np.arange(sparse.in_features), np.diff(sparse.offsets))
    np.add.at(dense, (sparse.targets, sources), np.broadcast_to(sparse.weight, sources.shape))
    return dense


def test_all_to_all_and_one_to_one() -> None:
    np.testing.assert_array_equal(matrix(Sparse.all_to_all(3, 4, weight=2.0)), np.full((4, 3), 2.0))
    without = matrix(Sparse.all_to_all(LIF(n=3), LIF(n=4), self_connections=False))
    np.testing.assert_array_equal(without, 1 - np.eye(4, 3))
    np.testing.assert_array_equal(matrix(Sparse.one_to_one(5, 5)), np.eye(5))
    with pytest.raises(ShapeError, match="5 sources with 4 targets"):
        Sparse.one_to_one(5, 4)


def test_fixed_probability_is_binomial_and_without_doubles() -> None:
    sparse = Sparse.fixed_probability(400, 500, 0.1, seed=3)
    connected = matrix(sparse)
    assert connected.max() == 1
    # 200 000 trials: five standard deviations of the mean
    assert connected.mean() == pytest.approx(0.1, abs=5 * np.sqrt(0.09 / connected.size))
    in_degrees = connected.sum(1)
    assert in_degrees.var() == pytest.approx(400 * 0.09, rel=0.4)
    again = Sparse.fixed_probability(400, 500, 0.1, seed=3)
    np.testing.assert_array_equal(again.targets, sparse.targets)
    assert Sparse.fixed_probability(40, 50, 0.1, seed=4).targets.size != 0
    assert matrix(Sparse.fixed_probability(6, 7, 1.0)).all()
    assert Sparse.fixed_probability(6, 7, 0.0).targets.size == 0


def test_degrees_are_fixed_where_asked() -> None:
    into = matrix(Sparse.fixed_in_degree(50, 30, 12, seed=1))
    np.testing.assert_array_equal(into.sum(1), 12)
    assert into.sum(0).std() > 0
    out = matrix(Sparse.fixed_out_degree(50, 30, 7, seed=1))
    np.testing.assert_array_equal(out.sum(0), 7)
    assert out.sum(1).std() > 0


def test_distance_decides() -> None:
    here = np.array([[0.0, 0.0], [1.0, 0.0]])
    there = np.array([[0.0, 0.5], [1.0, 2.0], [0.0, 0.0]])
    sparse = Sparse.by_distance(
        here,
        there,
        lambda d: (d < 1.2).astype(float),
        weight_of=lambda d: 1 - d / 2,
        delay_of=lambda d: np.round(d * 4).astype(int),
    )
    sources = np.repeat([0, 1], np.diff(sparse.offsets))
    pairs = list(zip(sources.tolist(), sparse.targets.tolist(), strict=True))
    assert pairs == [(0, 0), (0, 2), (1, 0), (1, 2)]
    np.testing.assert_allclose(sparse.weight, [0.75, 1, 1 - np.sqrt(1.25) / 2, 0.5])
    np.testing.assert_array_equal(sparse.delay, [2, 0, 4, 4])
    with pytest.raises(ParameterError, match=r"must stay within \[0, 1\]"):
        Sparse.by_distance(here, there, lambda d: d + 1)


def test_pairs_and_matrices(rng) -> None:
    wanted = scipy.sparse.random(6, 5, 0.4, rng=rng)
    np.testing.assert_allclose(matrix(Sparse.from_scipy(wanted)), wanted.toarray())
    pairs = Sparse.from_pairs(5, 6, wanted.col, wanted.row, weight=wanted.data)
    np.testing.assert_allclose(matrix(pairs), wanted.toarray())


@pytest.mark.parametrize(
    ("draw", "mean", "std"),
    [
        (Normal(0.5, 0.2), 0.5, 0.2),
        (Uniform(-1, 3), 1.0, 4 / np.sqrt(12)),
        (LogNormal(0.0, 0.5), np.exp(0.125), np.exp(0.125) * np.sqrt(np.exp(0.25) - 1)),
    ],
)
def test_weights_follow_their_distribution(draw, mean, std) -> None:
    weight = Sparse.all_to_all(100, 100, weight=draw).weight
    assert weight.mean() == pytest.approx(mean, abs=5 * std / 100)
    assert weight.std() == pytest.approx(std, rel=0.1)
    assert weight.dtype == np.float32


def test_delays_are_whole_steps_in_their_range() -> None:
    delay = Sparse.all_to_all(50, 50, delay=Steps(2, 5)).delay
    assert set(delay.tolist()) == {2, 3, 4, 5}


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"offsets": [0, 2, 1]}, ParameterError, "offsets must rise from 0"),
        ({"offsets": [1, 2, 3]}, ParameterError, "offsets must rise from 0"),
        ({"offsets": [0, 3]}, ShapeError, r"offsets: must have shape \(3,\)"),
        ({"targets": [0, 1, 4]}, ParameterError, r"targets: must be in 0 \.\. 3, got 4"),
        ({"targets": [0, -1, 3]}, ParameterError, r"targets: must be in 0 \.\. 3, got -1"),
        ({"targets": [0.5, 1, 2]}, ParameterError, "targets: must be whole numbers"),
        ({"weight": [1.0, 2.0]}, ShapeError, r"weight: must be one number or of shape \(3,\)"),
        ({"weight": [1.0, np.nan, 1.0]}, ParameterError, "weight: must be finite"),
        ({"delay": [1, -1, 0]}, ParameterError, "delay: must be >= 0"),
        ({"delay": 0.5}, ParameterError, "delay: must be whole numbers"),
    ],
)
def test_wrong_synapses_are_named(changes, error, text) -> None:
    given = {"offsets": [0, 2, 3], "targets": [0, 1, 3], **changes}
    with pytest.raises(error, match=text):
        Sparse(2, 4, **given)


def test_a_delay_that_no_memory_holds_is_refused_before_the_run() -> None:
    net = Network.sequential(Input(3), Sparse.all_to_all(3, 4, delay=2**40))
    with pytest.raises(StateError, match="GB for one timestep"):
        Simulator(net)


def test_it_computes_what_a_dense_synapse_does(rng) -> None:
    sparse = Sparse.fixed_probability(8, 6, 0.5, weight=Normal(0.3, 0.5), seed=5)
    dense = Dense(8, 6, weight=matrix(sparse), bias=False)
    values = rng.normal(size=(3, 10, 8))
    found = []
    for synapse in (sparse, dense):
        model = Unroll(Network.sequential(Input(8), synapse, LIF(6)), dtype=torch.float64)
        x = torch.tensor(values, requires_grad=True)
        y = model(x)
        (y * torch.linspace(0, 1, y.numel()).view_as(y)).sum().backward()
        found.append((y.detach(), x.grad, next(model.parameters()).grad))
    (y0, x0, w0), (y1, x1, w1) = found
    torch.testing.assert_close(y0, y1)
    torch.testing.assert_close(x0, x1)
    sources = np.repeat(np.arange(8), np.diff(sparse.offsets))
    torch.testing.assert_close(w0, w1[sparse.targets.tolist(), sources.tolist()])


def test_each_synapse_has_its_own_delay(rng) -> None:
    sparse = Sparse.fixed_probability(5, 4, 0.7, weight=Normal(0, 1), delay=Steps(0, 6), seed=2)
    values = rng.normal(size=(15, 5))
    found = Simulator(Network.sequential(Input(5), sparse), dtype="float64").run(values)
    wanted = np.zeros((15, 4))
    sources = np.repeat(np.arange(5), np.diff(sparse.offsets))
    synapses = zip(sources, sparse.targets, sparse.weight, sparse.delay, strict=True)
    for i, j, weight, delay in synapses:
        wanted[delay:, j] += weight * values[: 15 - delay, i]
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_a_file_keeps_the_whole_numbers(tmp_path) -> None:
    sparse = Sparse.fixed_probability(5, 4, 0.7, weight=Normal(0, 1), delay=Steps(0, 6))
    netx.save(Network.sequential(Input(5), sparse), tmp_path / "s.net")
    again = netx.load(tmp_path / "s.net").processes["sparse1"]
    for name, value in sparse.parameters().items():
        np.testing.assert_array_equal(again.parameters()[name], value)
        assert again.parameters()[name].dtype == value.dtype


def test_ten_million_synapses_take_little_more_than_their_arrays() -> None:
    import tracemalloc

    tracemalloc.start()
    sparse = Sparse.fixed_probability(31_623, 31_623, 0.01, weight=Normal(1, 0.1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    held = sum(value.nbytes for value in sparse.parameters().values())
    assert sparse.targets.size > 9_900_000
    assert peak < 4 * held


def test_more_synapses_than_a_machine_holds_are_refused_at_once() -> None:
    """Before anything is drawn: a million neurons, all to all, are terabytes."""
    many = 10**6
    for make in (
        lambda: Sparse.all_to_all(many, many),
        lambda: Sparse.fixed_probability(many, many, 0.5),
        lambda: Sparse.fixed_in_degree(many, many, many),
        lambda: Sparse.fixed_out_degree(many, many, many),
    ):
        with pytest.raises(StateError, match=r"Sparse\.\w+: needs .* GB for .* synapses"):
            make()
    with pytest.raises(StateError, match=r"weight: needs 8,000 GB for first values"):
        Network.sequential(Input(many), Dense(many, many)).build()


@pytest.mark.parametrize("engine", ["torch", "event"])
@pytest.mark.parametrize(("delay", "late"), [(10**11, 0), (0, 10**11)])
def test_a_delay_longer_than_any_memory_is_refused_before_the_run(engine, delay, late) -> None:
    net = Network()
    source, target = net.add(Poisson(5, rate=0.5)), net.add(LIF(n=4))
    synapse = net.add(Sparse.all_to_all(5, 4, delay=delay))
    source.s_out.connect(synapse.s_in, delay=late)
    net.connect(synapse, target)
    with pytest.raises(StateError, match="GB for one timestep"):
        Simulator(net, engine=engine)
