"""The torch module: what torch users expect of it."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from bidl_sim import Network, Simulator
from bidl_sim.errors import GraphError, ParameterError, ShapeError, StateError
from bidl_sim.processes import (
    LIF,
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    Input,
    Poisson,
    TimeMean,
)
from bidl_sim.trainers import Unroll


def net(seed: int = 0) -> Network:
    return Network.sequential(
        Input((2, 6, 6)),
        Conv2d(2, 3, 3),
        BatchNorm(),
        LIF(alpha=0.8, norm="membrane", learn="alpha"),
        Flatten(),
        Dropout(0.3),
        Dense(48, 4),
        TimeMean(),
        seed=seed,
    )


@pytest.fixture
def x(rng) -> torch.Tensor:
    return torch.tensor(rng.normal(size=(5, 7, 2, 6, 6)), dtype=torch.float32)


def test_parameters_carry_the_paths_of_processes() -> None:
    model = Unroll(net())
    learned = {name for name, _ in model.named_parameters()}
    assert learned == {
        "conv2d1.weight", "conv2d1.bias", "batchnorm1.weight", "batchnorm1.bias",
        "lif1.alpha", "lif1.norm_weight", "lif1.norm_bias", "dense1.weight", "dense1.bias",
    }  # fmt: skip
    assert {"batchnorm1.mean", "lif1.norm_var", "lif1.v_th"} <= set(model.state_dict())


def test_it_runs_as_the_simulator_does(x) -> None:
    network = net()
    model = Unroll(network).eval()
    out, recorded = model(x, record=("lif1.v", "lif1.s_out"))
    sim = Simulator(network)
    v, s = sim.probe("lif1.v"), sim.probe("lif1.s_out")
    np.testing.assert_allclose(sim.run(x.numpy()), out.detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(v.data, recorded["lif1.v"].detach().numpy(), atol=1e-6)
    np.testing.assert_array_equal(s.data, recorded["lif1.s_out"].detach().numpy())


def test_training_and_writing_back_changes_the_network(x) -> None:
    network = net()
    model = Unroll(network).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    before = {n: p.copy() for n, p in network.processes["dense1"].parameters().items()}
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), torch.tensor([0, 1, 2, 3, 0]))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    np.testing.assert_array_equal(
        network.processes["dense1"].parameters()["weight"], before["weight"]
    )
    model.write_back()
    assert np.any(network.processes["dense1"].parameters()["weight"] != before["weight"])
    assert np.any(network.processes["batchnorm1"].parameters()["mean"] != 0)
    after = Simulator(network).run(x.numpy())
    np.testing.assert_allclose(after, model.eval()(x).detach().numpy(), atol=1e-6)


def test_what_is_not_trained_keeps_its_exact_number() -> None:
    network = net()
    Unroll(network).write_back()
    lif = network.processes["lif1"].parameters()
    assert lif["v_th"].dtype == np.float64
    assert lif["v_th"] == 0.5
    assert lif["alpha"] == 0.8


def test_a_state_dict_goes_to_another_module(x) -> None:
    one, two = Unroll(net(seed=1)).eval(), Unroll(net(seed=2)).eval()
    assert not torch.equal(one(x), two(x))
    two.load_state_dict(one.state_dict())
    assert torch.equal(one(x), two(x))


def test_copies_are_independent(x) -> None:
    model = Unroll(net()).eval()
    other = copy.deepcopy(model)
    with torch.no_grad():
        next(other.parameters()).add_(1.0)
    assert not torch.equal(model(x), other(x))


def test_it_moves_to_another_format(x) -> None:
    model = Unroll(net()).eval()
    assert model.double()(x.double()).dtype == torch.float64
    assert model.to(torch.bfloat16)(x).dtype == torch.bfloat16


def test_it_stands_in_a_sequential(x) -> None:
    model = torch.nn.Sequential(Unroll(net()), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    assert model(x).shape == (5, 2)


def test_dropout_is_silent_outside_training_and_keeps_its_mask_over_time(x) -> None:
    network = Network.sequential(Input(50), Dropout(0.4))
    model = Unroll(network)
    ones = torch.ones(8, 6, 50)
    assert torch.equal(model.eval()(ones), ones)
    torch.manual_seed(0)
    out = model.train()(ones)
    assert torch.equal(out, out[:, :1].expand_as(out))
    kept = out[:, 0] > 0
    # 400 draws at 0.6: 5 standard deviations are 0.12
    assert abs(float(kept.float().mean()) - 0.6) < 0.12
    torch.testing.assert_close(out[:, 0][kept], torch.full((int(kept.sum()),), 1 / 0.6))


def test_a_run_goes_on_from_a_carry(x) -> None:
    model = Unroll(net()).eval()
    whole = model(x)
    _, _, carry = model.advance(x[:, :3])
    rest, _, carry = model.advance(x[:, 3:], carry)
    assert carry.t == 7
    torch.testing.assert_close(rest, whole, atol=1e-6, rtol=1e-6)


def test_noise_differs_from_run_to_run_in_training_only() -> None:
    noisy = Network()
    source, noise, lif = noisy.add(Input(30)), noisy.add(Poisson(30, rate=0.5)), noisy.add(LIF())
    noisy.connect(source, lif)
    noisy.connect(noise, lif)
    model = Unroll(noisy)
    x = torch.zeros(2, 9, 30)
    assert torch.equal(model.eval()(x), model(x))
    model.train()
    torch.manual_seed(0)
    first, second = model(x), model(x)
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    assert torch.equal(model(x), first)


def test_a_detached_carry_cuts_the_gradient(x) -> None:
    model = Unroll(Network.sequential(Input((2, 6, 6)), LIF(alpha=0.9, learn="alpha"))).train()
    x = x.requires_grad_()
    _, _, carry = model.advance(x[:, :3])
    out, _, _ = model.advance(x[:, 3:], carry.detach())
    out.sum().backward()
    assert not x.grad[:, :3].any()
    assert x.grad[:, 3:].any()


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Unroll(net())(torch.zeros(7, 2, 6, 6)), ShapeError, "got a single sample"),
        (lambda: Unroll(net())(torch.zeros(3, 7, 2, 5, 5)), ShapeError, "must have shape"),
        (lambda: Unroll(net(), spikes="soft"), ParameterError, "spikes: must be one of"),
        (
            lambda: Unroll(Network.sequential(Poisson(3), LIF()))(None),
            StateError,
            "has no inputs",
        ),
        (
            lambda: Unroll(Network.sequential(Input(3), LIF(name="train"))),
            GraphError,
            "has an attribute 'train' of its own",
        ),
        (lambda: Unroll(net())(torch.zeros(2, 7, 2, 6, 6), record=["lif9.v"]), StateError, "near"),
    ],
)
def test_wrong_use_is_named(make, error, text) -> None:
    with pytest.raises(error, match=text):
        make()
