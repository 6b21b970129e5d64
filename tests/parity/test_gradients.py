"""Gradients of the unrolled network against a loop written by hand, and finite differences."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, linear

from bidl_sim import Network
from bidl_sim.core.surrogate import SURROGATES
from bidl_sim.processes import LIF, Conv2d, Dense, Flatten, Input, TimeMean
from bidl_sim.trainers import Unroll

# derivatives written out a second time, from the table in the documentation
BUMPS = {
    "rectangle": lambda x, w: (x.abs() < w / 2) / w,
    "triangle": lambda x, w: (1 - x.abs() / w).clamp(min=0) / w,
    "atan": lambda x, w: 1 / w / (1 + (math.pi * x / w) ** 2),
    "sigmoid": lambda x, w: 4 / w * torch.sigmoid(4 * x / w) * torch.sigmoid(-4 * x / w),
    "fast_sigmoid": lambda x, w: 1 / w / (1 + 2 * x.abs() / w) ** 2,
    "gaussian": lambda x, w: 1 / w * torch.exp(-math.pi * x**2 / w**2),
    "exponential": lambda x, w: 1 / w * torch.exp(-2 * x.abs() / w),
}


class Spike(torch.autograd.Function):
    """Written by hand, apart from the library's."""

    @staticmethod
    def forward(ctx, x, name, width):
        ctx.save_for_backward(x)
        ctx.name, ctx.width = name, width
        return (x > 0).double()

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * BUMPS[ctx.name](x, ctx.width), None, None


def lif_by_hand(currents, alpha, beta, v_th, v_reset, *, soft, detached, name, width):
    """The equations of the LIF, in order, over time first."""
    v, spikes = torch.zeros_like(currents[0]), []
    for current in currents:
        u = v + current
        s = Spike.apply(u - v_th, name, width)
        z = s.detach() if detached else s
        r = u - z * v_th if soft else (1 - z) * u + z * v_reset
        v = alpha * r + beta
        spikes.append(s)
    return torch.stack(spikes)


@pytest.mark.parametrize("schedule", ["process", "timestep"])
@pytest.mark.parametrize(
    ("soft", "detached", "name"),
    [*itertools.product([True, False], [True, False], ["atan"])]
    + [(True, False, name) for name in BUMPS if name != "atan"],
)
def test_gradients_equal_those_of_a_loop_by_hand(schedule, soft, detached, name, rng) -> None:
    width = 0.8
    neuron = dict(
        reset="soft" if soft else "hard",
        reset_grad="detached" if detached else "full",
        surrogate=name,
        width=width,
        v_reset=0.1,
        learn=True,
    )
    net = Network.sequential(
        Input((2, 6, 6)),
        Conv2d(2, 3, 3, weight=rng.normal(0, 0.6, (3, 2, 3, 3)), bias=rng.normal(0, 0.3, 3)),
        LIF(alpha=[0.7, 0.8, 0.9], v_th=0.6, beta=0.05, **neuron),
        Flatten(),
        Dense(48, 5, weight=rng.normal(0, 0.4, (5, 48)), bias=False),
        LIF(alpha=0.6, v_th=0.4, **neuron),
    )
    model = Unroll(net, schedule, dtype="float64")
    x = torch.tensor(rng.normal(0, 1, (3, 9, 2, 6, 6)), requires_grad=True)
    weight = torch.tensor(rng.normal(size=(3, 9, 5)))
    (model(x) * weight).sum().backward()

    by_hand = {n: p.detach().clone().requires_grad_() for n, p in model.named_parameters()}
    y = x.detach().clone().requires_grad_()
    p = by_hand
    current = torch.stack(
        [conv2d(y[:, t], p["conv2d1.weight"], p["conv2d1.bias"]) for t in range(9)]
    )
    how = dict(soft=soft, detached=detached, name=name, width=width)
    hidden = lif_by_hand(
        current,
        p["lif1.alpha"][:, None, None],
        p["lif1.beta"],
        p["lif1.v_th"],
        p["lif1.v_reset"],
        **how,
    )
    current = torch.stack([linear(s.flatten(1), p["dense1.weight"]) for s in hidden])
    out = lif_by_hand(
        current, p["lif2.alpha"], p["lif2.beta"], p["lif2.v_th"], p["lif2.v_reset"], **how
    )
    assert 0.05 < hidden.mean() < 0.95  # the test would mean little if nothing fired
    (out.transpose(0, 1) * weight).sum().backward()
    torch.testing.assert_close(x.grad, y.grad, atol=1e-12, rtol=1e-10)
    for path, parameter in model.named_parameters():
        expected = by_hand[path].grad
        if expected is None:  # v_reset has no part in a soft reset
            assert parameter.grad is None or not parameter.grad.any()
            continue
        torch.testing.assert_close(parameter.grad, expected, atol=1e-11, rtol=1e-9)


@pytest.mark.parametrize("reset", ["hard", "soft"])
@pytest.mark.parametrize("name", sorted(SURROGATES))
def test_gradcheck_with_a_smooth_spike(name, reset, rng) -> None:
    """Autograd against finite differences, where the spike is the surrogate's integral."""
    net = Network.sequential(
        Input(3),
        Dense(3, 4, weight=rng.normal(size=(4, 3)), bias=rng.normal(size=4)),
        LIF(alpha=[0.5, 0.6, 0.7, 0.8], v_th=0.5, reset=reset, surrogate=name, learn=True),
        Dense(4, 2, weight=rng.normal(size=(2, 4))),
        TimeMean(),
    )
    model = Unroll(net, dtype="float64", spikes="smooth")
    parameters = [p for p in model.parameters() if p.requires_grad]
    names = [n for n, p in model.named_parameters() if p.requires_grad]

    def run(x, *values):
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (x,))

    x = torch.tensor(rng.normal(size=(2, 5, 3)), requires_grad=True)
    values = tuple(p.detach().clone().requires_grad_() for p in parameters)
    assert torch.autograd.gradcheck(run, (x, *values), eps=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", sorted(SURROGATES))
def test_a_bump_is_the_derivative_of_its_integral(name) -> None:
    surrogate, width = SURROGATES[name], 0.7
    x = np.linspace(-3, 3, 2001) + 1e-4  # off the corners
    h = 1e-6
    slope = (surrogate.primitive(x + h, width) - surrogate.primitive(x - h, width)) / (2 * h)
    np.testing.assert_allclose(surrogate.derivative(x, width), slope, atol=1e-6)


@pytest.mark.parametrize("name", sorted(SURROGATES))
def test_bumps_have_area_one_and_height_one_over_width(name) -> None:
    surrogate, width = SURROGATES[name], 0.7
    assert surrogate.derivative(np.array(0.0), width) == pytest.approx(1 / width)
    far = np.array([-1e5, 1e5])
    np.testing.assert_allclose(surrogate.primitive(far, width), [0, 1], atol=1e-5)


def test_a_learned_parameter_stays_in_its_domain() -> None:
    net = Network.sequential(Input(2), LIF(alpha=0.999, v_th=1e-3, learn=("alpha", "v_th")))
    model = Unroll(net)
    optimizer = torch.optim.SGD(model.parameters(), lr=10.0)
    for direction in (1.0, -1.0):
        for _ in range(3):
            optimizer.zero_grad()
            values = model._values()
            (direction * (values["lif1.alpha"] + values["lif1.v_th"])).backward()
            optimizer.step()
            model(torch.ones(1, 3, 2))
            model.write_back()
            lif = net.processes["lif1"].parameters()
            assert 0 <= lif["alpha"] <= 1
            assert lif["v_th"] > 0


def test_at_a_bound_only_the_way_in_has_a_gradient() -> None:
    net = Network.sequential(Input(1), LIF(alpha=1.0, v_th=0.5, learn="alpha"))
    model = Unroll(net)
    alpha = next(p for p in model.parameters())
    (-model._values()["lif1.alpha"]).backward()  # would grow beyond 1
    assert alpha.grad == 0
    alpha.grad = None
    model._values()["lif1.alpha"].backward()
    assert alpha.grad == 1
