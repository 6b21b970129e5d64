"""Noise on the potential, in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bidl_sim import Network, Simulator
from bidl_sim.processes import LIAF, LIF, Dense, Input, LIFPlus
from bidl_sim.processes.neurons.noise import gaussian_like
from bidl_sim.trainers import Unroll


def train_once(seed: int = 0, neuron=LIF, **options) -> tuple[torch.Tensor, dict]:
    """Outputs and gradients of two noisy layers."""
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 0.4, (30, 30))
    net = Network.sequential(
        Input(30), neuron(noise=0.5), Dense(30, 30, weight=weight, bias=False), neuron(noise=0.5)
    )
    model = Unroll(net, dtype="float64", **options).train()
    torch.manual_seed(seed)
    out = model(torch.tensor(rng.normal(0.3, 0.4, (3, 12, 30))))
    (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
    return out.detach(), {n: p.grad for n, p in model.named_parameters()}


@pytest.mark.parametrize("neuron", [LIF, LIFPlus])
@pytest.mark.parametrize(
    "options", [{"schedule": "timestep"}, {"segment": 5}, {"kernels": "fused"}]
)
def test_the_noise_of_a_run_depends_on_its_seed_alone(neuron, options) -> None:
    """Not on the order in which layers run, nor on whether steps are done again."""
    one, gradients = train_once(neuron=neuron)
    two, others = train_once(neuron=neuron, **options)
    assert torch.equal(one, two)
    for name, value in gradients.items():
        torch.testing.assert_close(others[name], value, atol=1e-12, rtol=1e-10)
    assert not torch.equal(one, train_once(seed=1, neuron=neuron)[0])


def test_outside_training_there_is_none(rng) -> None:
    values = rng.normal(0.3, 0.4, (2, 12, 8))
    noisy, plain = (Network.sequential(Input(8), LIF(noise=n)) for n in (0.7, 0.0))
    for engine in ("torch", "event"):
        one, two = (Simulator(net, engine=engine).run(values) for net in (noisy, plain))
        np.testing.assert_array_equal(one, two)
    model = Unroll(noisy).eval()
    np.testing.assert_array_equal(model(torch.tensor(values).float()), two)


def test_it_draws_nothing_where_there_is_none() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    Unroll(Network.sequential(Input(4), LIF())).train()(torch.zeros(1, 3, 4))
    assert torch.rand(1) == expected


@pytest.mark.parametrize("shape", [(40_000,), (4, 100, 100)])
def test_its_deviation_is_that_of_the_potential(shape) -> None:
    """Of each sample and channel, of each sample where the layer is flat; 2 % is four sigma."""
    torch.manual_seed(0)
    scale = torch.tensor([0.1, 2.0]).view(2, *(1,) * len(shape))
    if len(shape) > 1:
        scale = scale * torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 4, 1, 1)
    u = torch.randn(2, *shape) * scale + 5.0
    noise = gaussian_like(u, torch.rand(2, *shape))
    axes = tuple(range(2 if len(shape) > 1 else 1, u.ndim))
    torch.testing.assert_close(noise.std(axes), u.std(axes), rtol=0.03, atol=0)
    assert (noise.mean(axes).abs() < 0.05 * u.std(axes)).all()


def test_a_lone_neuron_has_none_and_the_ends_are_finite() -> None:
    u = torch.tensor([[0.3]])
    assert gaussian_like(u, torch.tensor([[0.7]])).item() == 0.0
    ends = gaussian_like(torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 1.0]]))
    assert torch.isfinite(ends).all()


def test_no_gradient_flows_through_it() -> None:
    """du/da is 1: the derivative of the deviation is left out."""
    net = Network.sequential(Input(6), LIAF(noise=0.5, v_th=1e3, activation="identity"))
    x = torch.randn(1, 1, 6, requires_grad=True)
    Unroll(net).train()(x).sum().backward()
    torch.testing.assert_close(x.grad, torch.ones_like(x))
