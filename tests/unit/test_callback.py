"""Python code inside a network: when it is called, what it sees, what its answer does."""

from __future__ import annotations

import numpy as np
import pytest

from bidl_sim import Network, Simulator
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.processes import LIF, Callback, Dense, Input

OPTIONS = ({"schedule": "timestep"}, {"schedule": "process"}, {"engine": "event"})
ALL = pytest.mark.parametrize("options", OPTIONS, ids=lambda o: next(iter(o.values())))


class World:
    """Remembers what it saw; answers with the number of its call, counted from 1."""

    def __init__(self, size: int = 2) -> None:
        self.calls: list[tuple[int, np.ndarray]] = []
        self.size = size

    def __call__(self, t: int, seen: np.ndarray) -> np.ndarray:
        self.calls.append((t, seen.copy()))
        return np.full((len(seen), self.size), len(self.calls))


def beside(function, every: int = 1) -> Network:
    """A population that gets currents from a synapse, then from Python code."""
    net = Network()
    source, dense = net.add(Input(2)), net.add(Dense(2, 2))
    loop, cells = net.add(Callback(function, 2, every=every)), net.add(LIF(alpha=0.9))
    for link in (dense, loop):
        net.connect(source, link)
        net.connect(link, cells)
    return net


@ALL
@pytest.mark.parametrize("every", [1, 3, 4, 20])
def test_it_sees_what_arrived_since_and_holds_its_answer(every, options, rng) -> None:
    world = World()
    x = rng.normal(size=(11, 3))
    sim = Simulator(
        Network.sequential(Input(3), Callback(world, 2, every=every)), dtype="float64", **options
    )
    out = sim.run(x)
    times = np.arange(0, 11, every)
    assert [t for t, _ in world.calls] == times.tolist()
    begun = 0
    for t, seen in world.calls:
        assert seen.shape == (1, 3)
        np.testing.assert_allclose(seen[0], x[begun : t + 1].sum(0), atol=1e-14)
        begun = t + 1
    np.testing.assert_array_equal(out, np.repeat(1 + np.arange(11) // every, 2).reshape(11, 2))


@ALL
def test_pieces_reset_and_restore(options, rng) -> None:
    world, x = World(), rng.normal(size=(11, 3))
    net = Network.sequential(Input(3), Callback(world, 2, every=4))
    sim = Simulator(net, dtype="float64", **options)
    whole = sim.run(x)
    wanted = world.calls[:]
    for again in (sim, Simulator(net, dtype="float64", **options)):
        again.reset()
        world.calls.clear()
        first = again.run(x[:6])
        assert again.read("callback1.answer").tolist() == [2, 2]
        np.testing.assert_allclose(again.read("callback1.total"), x[5], atol=1e-14)
        other = Simulator(net, dtype="float64", **options)
        other.load_state_dict(again.state_dict())
        rest = [other.run(x[6:8]), *(other.step(frame)[None] for frame in x[8:])]
        np.testing.assert_array_equal(np.concatenate([first, *rest]), whole)
        for (t, seen), (t_then, seen_then) in zip(world.calls, wanted, strict=True):
            assert t == t_then
            np.testing.assert_array_equal(seen, seen_then)
    other.reset()
    assert not other.read("callback1.answer").any()
    assert not other.read("callback1.total").any()


@ALL
def test_a_delay_in_front_shows_what_was_sent_under_the_last_answer(options) -> None:
    """Each answer is followed by as many spikes, in each of the steps it is held for."""
    world = World(1)
    net = Network()
    source, loop = net.add(Input(1)), net.add(Callback(world, 1, every=5), "loop")
    echo = net.add(Dense(1, 1, weight=np.ones((1, 1)), bias=False))
    net.connect(source, loop)
    net.connect(loop, echo)
    net.connect(echo, loop, delay=1)
    Simulator(net, **options).run(np.zeros((21, 1)))
    assert [seen.item() for _, seen in world.calls] == [0, 5 * 1, 5 * 2, 5 * 3, 5 * 4]


@ALL
def test_a_batch_is_seen_together(options, rng) -> None:
    world, x = World(), rng.normal(size=(3, 10, 2))
    sim = Simulator(beside(world, every=3), dtype="float64", **options)
    currents = sim.probe("lif1.a_in")
    sim.run(x)
    assert [t for t, _ in world.calls] == [0, 3, 6, 9]
    np.testing.assert_allclose(world.calls[1][1], x[:, 1:4].sum(1), atol=1e-14)
    for k in range(3):
        alone = Simulator(beside(World(), every=3), dtype="float64", **options)
        wanted = alone.probe("lif1.a_in")
        alone.run(x[k])
        np.testing.assert_allclose(currents.data[k], wanted.data, atol=1e-12)


@ALL
def test_an_answer_may_be_written_over_by_the_next(options) -> None:
    held = np.zeros((1, 1))

    def count(t: int, seen: np.ndarray) -> np.ndarray:
        held[:] += 1
        seen[:] = -1
        return held

    sim = Simulator(Network.sequential(Input(1), Callback(count, 1)), dtype="float64", **options)
    seen = sim.probe("input1.s_out")
    assert sim.run(np.zeros((4, 1)))[:, 0].tolist() == [1, 2, 3, 4]
    assert not seen.data.any()


@ALL
@pytest.mark.parametrize("wrong", [0, 1999])
def test_an_error_in_it_leaves_a_state_to_go_on_from(wrong, options, rng) -> None:
    x = rng.normal(size=(2500, 2))
    broken = []

    def world(t: int, seen: np.ndarray) -> np.ndarray:
        if t == wrong and not broken:
            broken.append(t)
            raise ZeroDivisionError("the world")
        return 0.3 * seen

    options = {**options, "dtype": "float64"}
    reference = Simulator(beside(lambda t, seen: 0.3 * seen), **options)
    wanted = reference.probe("lif1.v")
    reference.run(x)
    sim = Simulator(beside(world), **options)
    found = sim.probe("lif1.v")
    with pytest.raises(ZeroDivisionError, match="the world"):
        sim.run(x)
    assert sim.t == wrong // 1000 * 1000
    assert len(found.data) == sim.t
    sim.run(x[sim.t :])
    # a matrix product over fewer steps may round otherwise
    np.testing.assert_allclose(found.data, wanted.data, atol=1e-12)


@ALL
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (np.zeros(2), r"numbers of shape \(batch, \*\(2,\)\), returned shape \(2,\)"),
        (np.zeros((2, 2)), r"returned shape \(2, 2\)"),
        (None, r"returned shape \(\), dtype object"),
        ([["1", "2"]], r"returned shape \(1, 2\), dtype <U1"),
    ],
)
def test_a_wrong_answer_is_named(answer, text, options) -> None:
    net = Network.sequential(Input(3), Callback(lambda t, seen: answer, 2, name="world"))
    with pytest.raises(ShapeError, match=rf"Callback 'world' .*, function: must return .*{text}"):
        Simulator(net, **options).run(np.zeros((1, 3)))


@pytest.mark.parametrize("every", [0, -1, 2.5, True, "3"])
def test_a_wrong_every_is_named(every) -> None:
    with pytest.raises(ParameterError, match="every: must be"):
        Callback(World(), 1, every=every)
