"""Values that arrive later, learned and fixed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bidl_sim import Network, Process, Simulator, State
from bidl_sim.core.port import In, Out
from bidl_sim.errors import GraphError, ParameterError, ShapeError
from bidl_sim.processes import LIF, Delay, Dense, Input
from bidl_sim.trainers import Unroll

X = np.random.default_rng(1).normal(size=(2, 30, 3, 2))


def shifted(x, steps: int):
    """Along time, zeros at the beginning."""
    return np.concatenate([np.zeros_like(x[:, :steps]), x[:, : x.shape[1] - steps]], 1)


@pytest.mark.parametrize("engine", ["torch", "event"])
def test_each_channel_comes_by_its_own_delay(engine) -> None:
    net = Network.sequential(Input((3, 2)), Delay([0.9, 3, 7.5]))
    sim = Simulator(net, engine=engine, dtype="float64")
    out = np.concatenate([sim.run(part) for part in np.array_split(X, 4, 1)], 1)
    for channel, steps in enumerate((0, 3, 7)):
        np.testing.assert_array_equal(out[:, :, channel], shifted(X[:, :, channel], steps))


def test_a_delay_of_one_step_is_a_connection_with_delay_1() -> None:
    chain = Network.sequential(Input(3), Delay(), Dense(3, 2, weight=np.ones((2, 3))))
    net = Network()
    source, dense = net.add(Input(3)), net.add(Dense(3, 2, weight=np.ones((2, 3)), bias=False))
    net.connect(source, dense, delay=1)
    chain.processes["dense1"].bias = np.zeros(2)  # type: ignore[attr-defined]
    one, two = (Simulator(n, dtype="float64").run(X[..., 0]) for n in (chain, net))
    np.testing.assert_allclose(one, two, atol=1e-15)


@pytest.mark.parametrize("schedule", ["process", "timestep"])
@pytest.mark.parametrize("delay", [2.7, [0.2, 3.0, 6.9]])
def test_the_gradient_is_that_of_a_value_between_two_steps(schedule, delay) -> None:
    """d y(t) / d delay = grad_scale (y(t - 1) - y(t)); the input's is shifted back."""
    process = Delay(delay, learn="delay", grad_scale=0.3, max_delay=8)
    model = Unroll(Network.sequential(Input((3, 2)), process), schedule, dtype=torch.float64)
    x = torch.tensor(X, requires_grad=True)
    y = model(x)
    g = torch.tensor(np.random.default_rng(2).normal(size=X.shape))
    y.backward(g)
    out = y.detach().numpy()
    by_delay = 0.3 * g.numpy() * (shifted(out, 1) - out)
    axes = (0, 1, 3) if np.ndim(delay) else None
    np.testing.assert_allclose(model.delay1.delay.grad, by_delay.sum(axes), rtol=1e-12)
    for channel, steps in enumerate(np.broadcast_to(np.floor(delay), 3).astype(int)):
        back = shifted(g.numpy()[:, ::-1, channel], steps)[:, ::-1]
        np.testing.assert_allclose(x.grad[:, :, channel], back, rtol=1e-15)


def test_it_equals_slayers(lava_golden) -> None:
    """Axonal delay of lava-dl: spikes, and the gradients of input and delay."""
    d = np.load(lava_golden / "losses_utils" / "losses_utils.npz")
    net = Network.sequential(Input(5), Delay(d["delay_values"], learn=True))
    model = Unroll(net)
    x = torch.tensor(d["spike"].swapaxes(1, 2), requires_grad=True)
    y = model(x)
    np.testing.assert_array_equal(y.detach().numpy().swapaxes(1, 2), d["delay_out"])
    y.backward(torch.tensor(d["delay_grad_out"].swapaxes(1, 2).copy()))
    np.testing.assert_allclose(x.grad.numpy().swapaxes(1, 2), d["delay_grad_in"], rtol=1e-5)
    np.testing.assert_allclose(model.delay1.delay.grad, d["delay_grad_delay"], rtol=1e-5)


def test_training_keeps_it_within_its_bounds() -> None:
    net = Network.sequential(Input(3), Delay([0.0, 2, 5], max_delay=5, learn=True))
    model = Unroll(net)
    with torch.no_grad():
        model.delay1.delay += torch.tensor([-3.0, 1.5, 9])
    x = torch.tensor(X[..., 0], dtype=torch.float32)
    y = model(x).detach().numpy()
    for channel, steps in enumerate((0, 3, 5)):
        np.testing.assert_array_equal(y[..., channel], shifted(x.numpy()[..., channel], steps))
    model.write_back()
    np.testing.assert_array_equal(net.processes["delay1"].delay, [0, 3.5, 5])  # type: ignore[attr-defined]


@pytest.mark.parametrize("delay", [1.0, [1.0, 0.0, 3.0]])
def test_steps_under_autograd_keep_what_is_needed_and_not_all_that_is_recent(delay) -> None:
    steps = 40
    net = Network.sequential(Input(3), Delay(delay, learn=True), Dense(3, 3))
    model = Unroll(net, schedule="timestep")
    kept: dict[int, int] = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    alive = []  # so that no address is used twice
    with torch.autograd.graph.saved_tensors_hooks(
        lambda x: alive.append(x) or keep(x), lambda x: x
    ):
        model(torch.zeros(1, steps, 3))
    everything = steps * model.circuit.processes["delay1"].reach * 3 * 4
    assert sum(kept.values()) < everything / 4


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ((63,), ParameterError, "delay"),
        ((-1,), ParameterError, "delay"),
        (([1.0, 2.0],), ShapeError, "per channel"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, error, named) -> None:
    with pytest.raises(error, match=f"Delay.*{named}"):
        Network.sequential(Input((3, 2)), Delay(*arguments)).build()


def test_a_simulation_does_not_change_it() -> None:
    sim = Simulator(Network.sequential(Input(3), Delay(2), LIF()))
    with pytest.raises(ParameterError, match="make a new network"):
        sim.write("delay1.delay", 5)


def test_a_sequence_takes_what_the_step_takes() -> None:
    with pytest.raises(GraphError, match=r"SequenceOfOther.*s_in, v"):

        class SequenceOfOther(Process):
            """Wrong on purpose."""

            s_in, s_out, v = In(), Out(), State(0.0)

            def step(self, s_in, v):
                return s_in, v

            def sequence(self, s_in):
                return s_in


def test_a_sequence_and_its_steps_are_the_same() -> None:
    """A running sum, done at once and step by step, over two runs."""

    class SequenceSum(Process):
        """Total so far."""

        s_in, s_out, total = In(), Out(), State(0.0)

        def step(self, s_in, total):
            return total + s_in, total + s_in

        def sequence(self, s_in, total):
            sums = torch.cat([total[None], s_in]).cumsum(0)[1:]
            return sums, sums[-1]

    found = []
    for schedule in ("process", "timestep"):
        net = Network.sequential(Input((3, 2)), SequenceSum())
        sim = Simulator(net, schedule=schedule, dtype="float64")
        found.append(np.concatenate([sim.run(X[:, :11]), sim.run(X[:, 11:])], 1))
    np.testing.assert_allclose(found[0], X.cumsum(1), atol=1e-12)  # sums in another order
    np.testing.assert_allclose(found[1], found[0], atol=1e-12)
    watched = Simulator(Network.sequential(Input((3, 2)), SequenceSum()), dtype="float64")
    probe = watched.probe("sequencesum1.total")  # of a sequence, only the last state is known
    watched.run(X)
    np.testing.assert_allclose(probe.data, X.cumsum(1), atol=1e-12)
