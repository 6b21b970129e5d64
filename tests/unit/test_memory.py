"""Training in less memory: the same outputs and gradients, and less that is kept."""

from __future__ import annotations

import pytest
import torch

from bidl_sim import Network
from bidl_sim.engines.torch.bits import Packed, pack, unpack
from bidl_sim.errors import ConfigError, ParameterError
from bidl_sim.processes import (
    LIAF,
    LIF,
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    Input,
    MaxPool2d,
    TimeMean,
)
from bidl_sim.trainers import Unroll
from bidl_sim.trainers.config import TrainConfig


def network() -> Network:
    """Images, dropout, a delayed loop, an analog population, a mean over time."""
    net = Network.sequential(
        Input((2, 8, 8)),
        Conv2d(2, 6, 3, padding=1),
        LIF(alpha=0.8, learn=True),
        MaxPool2d(2),
        Flatten(),
        Dropout(0.2),
        Dense(96, 20),
        LIF(name="looped", alpha=0.9),
        Dense(20, 12),
        LIAF(),
        Dense(12, 3),
        TimeMean(),
    )
    back = net.add(Dense(20, 20, name="back"))
    net.connect(net.processes["looped"], back, delay=2)
    net.connect(back, net.processes["looped"])
    return net


def trained(kernels: str = "eager", **options) -> dict[str, torch.Tensor]:
    model = Unroll(network(), dtype="float64", kernels=kernels, **options).train()
    torch.manual_seed(3)
    x = torch.rand(4, 23, 2, 8, 8, dtype=torch.float64).requires_grad_()
    torch.manual_seed(4)
    y, seen, _ = model.advance(x, record=["looped.s_out", "looped.v"])
    (y * torch.linspace(-1, 1, y.numel()).view_as(y)).sum().backward()
    gradients = {name: p.grad for name, p in model.named_parameters()}
    return {"y": y.detach(), "x": x.grad, **{k: v.detach() for k, v in seen.items()}, **gradients}


@pytest.mark.parametrize("kernels", ["eager", "fused"])
@pytest.mark.parametrize("options", [{"segment": 23}, {"bits": True}], ids=str)
def test_less_memory_gives_the_same_gradients(kernels, options) -> None:
    """One segment or bits change nothing at all."""
    for name, value in trained(kernels).items():
        assert torch.equal(trained(kernels, **options)[name], value), name


@pytest.mark.parametrize("segment", [1, 5, 8])
def test_segments_give_the_same_gradients(segment) -> None:
    """Sums over time are done segment by segment, which rounds otherwise.

    Dropout draws its masks segment by segment, so it is left out.
    """

    def found(**options):
        net = network()
        net.processes["dropout1"].p = 0.0
        model = Unroll(net, dtype="float64", **options).train()
        torch.manual_seed(3)
        x = torch.rand(4, 23, 2, 8, 8, dtype=torch.float64)
        y, seen, carry = model.advance(x, record=["looped.s_out"])
        (y * torch.linspace(-1, 1, y.numel()).view_as(y)).sum().backward()
        gradients = {n: p.grad for n, p in model.named_parameters()}
        return {"y": y, **seen, **carry.state, **gradients}

    whole, parts = found(), found(segment=segment)
    assert set(whole) == set(parts)
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, atol=1e-12, rtol=1e-10, msg=name)


def kept(**options) -> int:
    """Bytes that the backward pass of a training step waits with."""
    held: dict[int, int] = {}

    def count(x: torch.Tensor) -> torch.Tensor:
        held[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    net = Network.sequential(Input(50), *(p for _ in range(4) for p in (Dense(50, 50), LIF())))
    model = Unroll(net, kernels="eager", **options)
    x = torch.rand(2, 64, 50)
    with torch.autograd.graph.saved_tensors_hooks(count, lambda x: x):
        model(x)
    return sum(held.values())


def test_segments_keep_little() -> None:
    """Between segments only states and the sequences going in and out are kept."""
    assert kept(segment=8) < kept() / 5


def test_spikes_are_packed_and_come_back_as_they_lay() -> None:
    spikes = (torch.rand(7, 11, 300) < 0.2).float()
    for x in (spikes, spikes.transpose(0, 1), spikes.double(), spikes.half()):
        held = pack(x)
        assert isinstance(held, Packed)
        assert held.bits.numel() == -(-x.numel() // 8)
        back = unpack(held)
        assert torch.equal(back, x)
        assert back.dtype == x.dtype
        assert back.stride() == x.stride()


def test_what_is_no_spike_is_not_packed() -> None:
    analog = torch.zeros(5000)
    analog[-1] = 0.5
    for x in (analog, torch.ones(10), torch.ones(9000)[::2], torch.ones(5000, dtype=torch.int64)):
        assert pack(x) is x
        assert unpack(x) is x


def test_segments_need_steps_that_do_not_depend_on_all_others() -> None:
    net = Network.sequential(Input(4), Dense(4, 4), BatchNorm(), LIF())
    with pytest.raises(ParameterError, match=r"segment: cannot be used with BatchNorm .*step"):
        Unroll(net, segment=10)
    step = BatchNorm(statistics="step")
    Unroll(Network.sequential(Input(4), Dense(4, 4), step, LIF()), segment=10)
    with pytest.raises(ParameterError, match="segment: must be at least 0"):
        Unroll(network(), segment=-1)
    with pytest.raises(ConfigError, match="segment: must be at least 0"):
        TrainConfig(segment=-1)
