"""Networks of blocks: what they compute, written a second time in plain torch."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import sigmoid
from torch.nn.functional import avg_pool2d, batch_norm, conv1d, conv2d, linear, pad, relu

from bidl_sim import Network, Simulator, netx
from bidl_sim.core.neuron import Neuron
from bidl_sim.errors import BidlError, GraphError, ParameterError, ShapeError
from bidl_sim.netx.verify import verify_networks
from bidl_sim.processes import LIF, Activation, BatchNorm, Conv2d, Dense, Flatten, Input, TimeMean
from bidl_sim.processes.networks import (
    basic_block,
    bottleneck_block,
    causal_conv,
    detection_head,
    detector,
    parallel,
    resnet,
    spikformer,
    spiking_self_attention,
    tcja,
    temporal_attention,
    transformer_block,
)
from bidl_sim.trainers import Unroll

SHAPE, STEPS = (4, 3, 3), 6
easily = partial(LIF, alpha=0.6, v_th=0.3)


def fed(block, shape=SHAPE, seed: int = 0) -> Network:
    return Network.sequential(Input(shape), block, seed=seed)


BLOCKS = {
    "basic": lambda: basic_block(4, 4, neuron=easily),
    "basic-stride": lambda: basic_block(4, 6, 2, easily, Activation, "conv"),
    "bottleneck": lambda: bottleneck_block(4, 8, neuron=easily),
    "causal-conv": lambda: Network.sequential(Flatten(), causal_conv(36, 4, 3)),
    "tcja": lambda: tcja(4, STEPS),
    "temporal-attention": lambda: temporal_attention(STEPS),
    "transformer": lambda: transformer_block(SHAPE, 2, 2, neuron=easily),
}
NETWORKS = {
    "resnet-10": lambda: resnet((2, 32, 32), 3, 10, 4, easily),
    "resnet-50": lambda: resnet((2, 32, 32), 3, 50, 2, easily, between=Activation),
    "spikformer": lambda: spikformer((2, 8, 8), 3, 8, 1, 2, 1, 2, easily),
}


def values(net: Network, rng, batch: int = 2, steps: int = 9) -> np.ndarray:
    circuit = net.build()
    return rng.poisson(0.7, (batch, steps, *circuit.main_signal(circuit.inputs[0]).shape)) * 1.0


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_the_same_everywhere_and_in_a_file(name, rng, tmp_path) -> None:
    """On the event engine, too; nine steps are more than the maps over time have weights for."""
    net = Network.sequential(Input(SHAPE), BLOCKS[name](), LIF(alpha=0.7, v_th=0.2))
    x = values(net, rng)
    assert 0.02 < Simulator(net).run(x).mean() < 0.98
    netx.save(net, tmp_path / "a.net")
    report = verify_networks(name, net, {"reloaded": netx.load(tmp_path / "a.net")}, x)
    assert all(line.startswith(("onnxruntime in", "lynxi-")) for line in report.left_out)
    assert report.ok, f"\n{report}"


@pytest.mark.parametrize("name", NETWORKS)
def test_an_architecture_trains_alike_in_both_schedules(name, rng, tmp_path) -> None:
    """Every learned parameter has a gradient, one step changes them, and a file keeps it all."""
    net = NETWORKS[name]()
    x = torch.tensor(values(net, rng, steps=4))
    found = []
    for schedule in ("process", "timestep"):
        model = Unroll(net, schedule, dtype="float64").train()
        y = model(x)
        (y * torch.arange(y.numel()).view_as(y)).sum().backward()
        found.append((y.detach(), {n: p.grad for n, p in model.named_parameters()}))
    torch.testing.assert_close(found[1][0], found[0][0], atol=1e-12, rtol=1e-12)
    for parameter, gradient in found[0][1].items():
        assert gradient is not None
        torch.testing.assert_close(found[1][1][parameter], gradient, atol=1e-10, rtol=1e-8)
    with torch.no_grad():
        for p in model.parameters():
            p -= 0.01 * p.grad / (p.grad.norm() + 1e-12)
    model.write_back()
    netx.save(net, tmp_path / "a.net")
    one, two = (
        Simulator(n, dtype="float64").run(x.numpy()) for n in (net, netx.load(tmp_path / "a.net"))
    )
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - y.detach().numpy()).max() > 1e-6


# -- the same in plain torch ---------------------------------------------------------------------


def lif(currents: torch.Tensor, alpha: float = 0.6, v_th: float = 0.3) -> torch.Tensor:
    """Spikes ``(batch, time, ...)``; the smooth ones of the atan surrogate, to have a gradient."""
    v, spikes = torch.zeros_like(currents[:, 0]), []
    for current in currents.unbind(1):
        u = v + current
        s = torch.atan(torch.pi * (u - v_th)) / torch.pi + 0.5
        v = alpha * (1 - s) * u
        spikes.append(s)
    return torch.stack(spikes, 1)


class Torch:
    """Maps of frames, with the parameters of a network by path."""

    def __init__(self, model: Unroll) -> None:
        self.p = {n: t.detach().clone() for n, t in model.state_dict().items()}
        learned = [n for n, _ in model.named_parameters()]
        self.learned = {n: self.p[n].requires_grad_() for n in learned}

    def conv(self, x, path: str, number: int = 1, **how):
        """A convolution and its normalisation, outside training."""
        conv, norm = f"{path}.conv2d{number}", f"{path}.batchnorm{number}"
        y = conv2d(x.flatten(0, 1), self.p[f"{conv}.weight"], self.p[f"{conv}.bias"], **how)
        y = batch_norm(y, *(self.p[f"{norm}.{n}"] for n in ("mean", "var", "weight", "bias")))
        return y.unflatten(0, x.shape[:2])

    def residual(self, x):
        body, shortcut = "block.branches.body", "block.branches.shortcut"
        y = lif(self.conv(x, body, stride=2, padding=1))
        y = self.conv(y, body, 2, padding=1)
        means = avg_pool2d(x.flatten(0, 1), 2).unflatten(0, x.shape[:2])
        return lif(y + self.conv(means, shortcut))

    def attention(self, x):
        q, k, v = (lif(self.conv(x, f"block.{n}")) for n in "qkv")
        q, k, v = (s.flatten(3).unflatten(2, (2, -1)).transpose(3, 4) for s in (q, k, v))
        mixed = 0.125 * (q @ k.transpose(3, 4)) @ v  # (batch, time, head, place, channel)
        image = mixed.transpose(3, 4).flatten(2, 3).unflatten(3, x.shape[3:])
        return lif(self.conv(lif(image), "block.end"))

    def temporal_attention(self, x):
        """Linear maps over time with a causal mask."""
        first, second = (
            torch.tril(self.p[f"block.score.temporallinear{k}.weight"][..., 0]) for k in (1, 2)
        )
        score = sigmoid(linear(relu(linear(x.mean((2, 3, 4)), first)), second))
        return score[:, :, None, None, None] * x

    def tcja(self, x):
        """Convolutions over time and over channels; what would see later frames is masked."""
        z = x.mean((3, 4))  # (batch, time, channel)
        dense = self.p["block.score.joint.time.dense1.weight"]
        kernel = dense.unflatten(1, (3, -1)).flip(1).transpose(1, 2)  # (out, in, taps)
        local = conv1d(pad(z.transpose(1, 2), (2, 0)), kernel).transpose(1, 2)
        steps = self.p["block.score.joint.channel.weight"]
        mask = torch.tril(torch.ones(STEPS, STEPS))[:, :, None]
        across = conv1d(z, steps * mask, padding=1)
        return sigmoid(local * across)[..., None, None] * x


@pytest.mark.parametrize(
    ("make", "formula", "shape"),
    [
        (lambda: basic_block(2, 3, 2, easily, name="block"), Torch.residual, (2, 4, 4)),
        (
            lambda: spiking_self_attention((4, 2, 3), 2, neuron=easily, name="block"),
            Torch.attention,
            (4, 2, 3),
        ),
        (lambda: temporal_attention(STEPS, "block"), Torch.temporal_attention, SHAPE),
        (lambda: tcja(4, STEPS, name="block"), Torch.tcja, SHAPE),
    ],
    ids=["residual", "spiking-self-attention", "temporal-attention", "tcja"],
)
def test_values_and_gradients_are_those_of_plain_torch(make, formula, shape, rng) -> None:
    model = Unroll(fed(make(), shape), dtype="float64", spikes="smooth").eval()
    x = torch.tensor(rng.normal(0.3, 1, (2, STEPS, *shape)), requires_grad=True)
    y = x.detach().clone().requires_grad_()
    other = Torch(model)
    one, two = model(x), formula(other, y)
    torch.testing.assert_close(one, two, atol=1e-12, rtol=1e-10)
    weight = torch.linspace(-1, 1, one.numel()).view_as(one)
    for output in (one, two):
        (output * weight).sum().backward()
    torch.testing.assert_close(x.grad, y.grad, atol=1e-11, rtol=1e-9)
    gradients = dict(model.named_parameters())
    assert gradients
    for name, parameter in gradients.items():
        torch.testing.assert_close(parameter.grad, other.learned[name].grad, atol=1e-11, rtol=1e-9)


@pytest.mark.parametrize("name", ["basic", "tcja", "temporal-attention", "transformer"])
def test_gradcheck_with_a_smooth_spike(name, rng) -> None:
    model = Unroll(fed(BLOCKS[name]()), dtype="float64", spikes="smooth").eval()
    x = torch.tensor(rng.normal(0.3, 1, (1, 3, *SHAPE)), requires_grad=True)
    assert torch.autograd.gradcheck(model, (x,), eps=1e-6, atol=1e-7)


@pytest.mark.parametrize("make", [BLOCKS["tcja"], BLOCKS["temporal-attention"]])
def test_a_score_does_not_know_later_frames(make, rng) -> None:
    net = fed(make())
    x = values(net, rng, steps=STEPS)
    whole = Simulator(net, dtype="float64").run(x)
    for t in range(1, STEPS):
        changed = x.copy()
        changed[:, t:] = rng.normal(size=changed[:, t:].shape)
        found = Simulator(net, dtype="float64").run(changed)
        np.testing.assert_array_equal(found[:, :t], whole[:, :t])
        assert np.abs(found[:, t:] - whole[:, t:]).max() > 0.01


# -- what the builders promise -------------------------------------------------------------------


def parameters(net: Network) -> int:
    """All numbers but running statistics, those of the neurons included."""
    statistics = ("mean", "var")
    return sum(
        value.size
        for process in net.build().processes.values()
        for name, value in process.parameters().items()
        if not (isinstance(process, BatchNorm) and name in statistics)
    )


@pytest.mark.parametrize(
    ("depth", "channels", "classes", "published"),
    [(18, 3, 27, 11_195_231), (50, 2, 10, 23_552_142)],
)
def test_a_resnet_has_as_many_parameters_as_published(depth, channels, classes, published) -> None:
    """ResNetLif-18 for Jester and ResNetLif-50 for CIFAR10-DVS, of BIDL."""
    assert parameters(resnet((channels, 128, 128), classes, depth)) == published


def test_the_lite_resnet_keeps_five_spiking_populations() -> None:
    processes = resnet((2, 32, 32), 3, 18, 4, between=Activation).build().processes
    spiking = [path.split(".")[0] for path, p in processes.items() if isinstance(p, Neuron)]
    assert spiking == ["lif1", *(f"stage{k}_block1" for k in (1, 2, 3, 4))]


def test_a_detector_has_two_outputs_that_are_the_same_everywhere(rng, tmp_path) -> None:
    net = detector((1, 16, 16), 3, (3, 4, 5), 4, easily)
    x = values(net, rng, steps=5)
    found = Simulator(net).run(x)
    places = 4 * 4 + 2 * 2
    assert {n: v.shape for n, v in found.items()} == {
        "scores": (2, 3, places),
        "boxes": (2, 4, places),
    }
    netx.save(net, tmp_path / "a.net")
    report = verify_networks("detector", net, {"reloaded": netx.load(tmp_path / "a.net")}, x)
    assert report.ok, f"\n{report}"


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (
            lambda: fed(basic_block(4, 6, 2)),
            ShapeError,
            r"branches\.join\.s_in: .*shortcut.*\(6, 1, 1\) is summed with .*\(6, 2, 2\)",
        ),
        (lambda: fed(basic_block(3, 4)), ShapeError, "takes 3 channels"),
        (lambda: basic_block(3, 4, shortcut="max"), ParameterError, "shortcut: must be one of"),
        (lambda: bottleneck_block(3, 6), ParameterError, "multiple of 4, got 6"),
        (lambda: resnet((2, 8, 8), 3, 19), ParameterError, "depth: must be one of"),
        (lambda: spiking_self_attention((6, 2, 2), 4), ParameterError, "heads: must divide"),
        (lambda: detection_head([4], 3), ParameterError, "two scales at least"),
        (lambda: parallel(Activation()), GraphError, "1 branches do not meet in Add"),
        (lambda: fed(parallel(Conv2d(4, 2, 1), Conv2d(4, 3, 1))), ShapeError, "is summed with"),
    ],
)
def test_what_does_not_fit_is_named(make, error: type[BidlError], text: str) -> None:
    with pytest.raises(error, match=text):
        make().build()


def test_networks_nest_and_repeat(rng) -> None:
    """Two blocks of one kind, in a third network, have parameters of their own."""
    blocks = Network.sequential(*(temporal_attention(STEPS, f"at{k}") for k in (1, 2)), name="both")
    net = Network.sequential(Input(SHAPE), blocks, Flatten(), Dense(36, 2), TimeMean())
    weights = [
        p.parameters()["weight"]
        for path, p in net.build().processes.items()
        if "temporallinear" in path
    ]
    assert len(weights) == 4
    assert not np.array_equal(weights[0], weights[2])
