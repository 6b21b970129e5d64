"""Electrical coupling: potentials that spread through a map of the layer's own state."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bidl_sim import Network, Process, Simulator, netx
from bidl_sim.errors import ParameterError
from bidl_sim.processes import (
    LIAF,
    LIF,
    Add,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Flatten,
    Input,
    TimeMean,
    electrically_coupled,
)
from bidl_sim.trainers import Unroll

ENGINES = pytest.mark.parametrize("engine", ["torch", "event"])


def run(layer: Process, values: np.ndarray, engine: str = "torch") -> np.ndarray:
    net = Network.sequential(Input(values.shape[1:]), layer)
    return Simulator(net, engine=engine, dtype="float64").run(values, progress=False)


@ENGINES
@pytest.mark.parametrize(("size", "kernel"), [(4, None), (3, 3)])
@pytest.mark.parametrize("output", ["pre", "leaked", "spike"])
def test_without_coupling_it_is_the_liaf_with_soft_reset(engine, size, kernel, output, rng) -> None:
    values = rng.normal(0.3, 0.5, (25, size) if kernel is None else (25, size, 4, 5))
    options = dict(alpha=0.8, beta=0.01, output=output)
    coupled = run(electrically_coupled(size, kernel, **options), values, engine)
    alone = run(LIAF(reset="soft", **options), values, engine)
    assert alone.std() > 0.1
    np.testing.assert_array_equal(coupled, alone)


@ENGINES
def test_a_flat_layer_follows_its_equations(engine, rng) -> None:
    """u = a_in + v + G v, with v of the step before, undelayed otherwise."""
    layer = electrically_coupled(4, alpha=0.8, v_th=0.6, activation="identity")
    g = rng.normal(0, 0.3, (4, 4))
    layer.processes["coupling"].weight = g
    values = rng.normal(0.3, 0.5, (30, 4))
    v, expected, spikes = np.zeros(4), [], 0.0
    for a_in in values:
        u = a_in + v + g @ v
        s = u > 0.6
        v = 0.8 * (u - 0.6 * s)
        expected.append(u)
        spikes += s.sum()
    assert spikes > 10
    np.testing.assert_allclose(run(layer, values, engine), expected, atol=1e-12)


def test_in_an_image_a_potential_reaches_its_neighbours(rng) -> None:
    """A current at one place, one step later at the places of the kernel around it."""
    layer = electrically_coupled(1, 3, alpha=1.0, v_th=10.0, activation="identity")
    kernel = rng.normal(0, 0.3, (1, 1, 3, 3))
    layer.processes["coupling"].weight = kernel
    values = np.zeros((2, 1, 5, 5))
    values[0, 0, 2, 2] = 1.0
    seen = run(layer, values)
    expected = np.zeros((5, 5))
    expected[1:4, 1:4] = kernel[0, 0, ::-1, ::-1]
    expected[2, 2] += 1.0
    np.testing.assert_allclose(seen[1, 0], expected, atol=1e-12)


def test_the_coupling_is_learned_from_zero_on_and_saved(rng, tmp_path) -> None:
    net = Network.sequential(Input((2, 4, 4)), electrically_coupled(2, 3, alpha=0.8, name="layer"))
    model = Unroll(net)
    model(torch.tensor(rng.normal(0.3, 0.5, (2, 8, 2, 4, 4))).float()).sum().backward()
    weight = dict(model.named_parameters())["layer.coupling.weight"]
    assert weight.grad.abs().min() > 0
    torch.optim.SGD([weight], lr=1e-3).step()
    model.write_back()
    netx.save(net, tmp_path / "a.net")
    values = rng.normal(0.3, 0.5, (10, 2, 4, 4))
    np.testing.assert_array_equal(
        Simulator(netx.load(tmp_path / "a.net")).run(values), Simulator(net).run(values)
    )


@pytest.mark.parametrize(
    ("given", "named"), [((0,), "size"), ((2.5,), "size"), ((3, 2), "kernel_size.*odd")]
)
def test_what_is_refused(given, named) -> None:
    with pytest.raises(ParameterError, match=f"electrically_coupled, {named}"):
        electrically_coupled(*given)


def resnet18(neurons) -> Network:
    """BIDL's: 27 classes, convolutions with bias, ``neurons(channels)`` after each of 17."""

    def convolution(source, width, out, kernel, stride):
        conv = Conv2d(width, out, kernel, stride, padding=kernel // 2)
        for process in (conv, norm := BatchNorm()):
            net.add(process)
        net.connect(source, conv)
        net.connect(conv, norm)
        return norm

    def fire(source, channels):
        layer = net.add(neurons(channels))
        net.connect(source, layer)
        return layer

    net = Network()
    last = fire(convolution(net.add(Input((3, 32, 32))), 3, 64, 7, 2), 64)
    width = 64
    for out in (64, 128, 256, 512):
        for stride in (1 if out == 64 else 2, 1):
            middle = fire(convolution(last, width, out, 3, stride), out)
            join = net.add(Add())
            net.connect(convolution(middle, out, out, 3, 1), join)
            short = last if width == out else convolution(last, width, out, 1, stride)
            net.connect(short, join)
            last, width = fire(join, out), out
    for process in (AvgPool2d(2), Flatten(), Dense(512, 27), TimeMean()):
        net.connect(last, net.add(process))
        last = process
    return net


def weights(net: Network) -> int:
    """Numbers that training or the neurons' makers choose: all but running statistics."""
    processes = net.build().processes.values()
    return sum(
        value.size
        for process in processes
        for name, value in process.parameters().items()
        if process.param_specs[name].learnable
    )


def test_it_doubles_the_weights_of_resnet18() -> None:
    """11 195 231, the number of BIDL's network for Jester, and 9 C^2 for each population."""
    plain = weights(resnet18(lambda channels: LIF()))
    coupled = weights(resnet18(lambda channels: electrically_coupled(channels, 3)))
    assert plain == 11_195_231
    assert coupled - plain == 12_570_624
