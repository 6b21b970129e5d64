"""How many values of a parameter there are: one for the layer, a channel, or a neuron."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bidl_sim import Network, netx
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.processes import LIF, Conv2d, Input, LIFPlus
from bidl_sim.trainers import Unroll

SHAPES = {"layer": (), "channel": (3,), "neuron": (3, 4, 4)}


def network(**options) -> Network:
    conv = Conv2d(2, 3, 3, padding=1)
    return Network.sequential(Input((2, 4, 4)), conv, LIF(name="lif", **options), seed=1)


@pytest.mark.parametrize("sharing", SHAPES)
def test_a_number_given_is_spread(sharing, tmp_path) -> None:
    net = network(alpha=0.8, sharing=sharing, learn=("alpha", "v_th"))
    net.build()
    lif = net.processes["lif"].parameters()
    assert lif["alpha"].shape == lif["v_th"].shape == SHAPES[sharing]
    assert np.all(lif["alpha"] == 0.8)
    assert lif["beta"].shape == ()  # nothing changes it
    netx.save(net, tmp_path / "a.net")
    again = netx.load(tmp_path / "a.net").processes["lif"]
    assert again.sharing == sharing
    assert again.alpha.shape == SHAPES[sharing]


@pytest.mark.parametrize("sharing", ["channel", "neuron"])
def test_the_gradient_of_a_share_is_the_sum_over_its_neurons(sharing, rng) -> None:
    """Shares of equal value together have the gradient of the one value; each is trained alone."""
    x = torch.tensor(rng.normal(0.4, 0.8, (2, 9, 2, 4, 4)))
    weight = torch.tensor(rng.normal(size=(2, 9, 3, 4, 4)))
    found = {}
    for how in ("layer", sharing):
        model = Unroll(network(alpha=0.8, sharing=how, learn=True), dtype="float64").train()
        (model(x) * weight).sum().backward()
        found[how] = {n: p.grad for n, p in model.named_parameters() if n.startswith("lif.")}
    for name, one in found["layer"].items():
        many = found[sharing][name]
        assert many.shape == SHAPES[sharing]
        torch.testing.assert_close(many.sum(), one, atol=1e-11, rtol=1e-9)
        assert many.unique().numel() > 1


def test_many_values_may_be_given_without_saying_so() -> None:
    net = network(alpha=[0.2, 0.5, 0.8], learn=True)
    net.build()
    assert net.processes["lif"].alpha.shape == (3,)
    assert net.processes["lif"].v_th.shape == ()


def test_values_that_contradict_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"alpha.*must be one number or of shape"):
        network(alpha=[0.2, 0.5, 0.8], sharing="layer", learn=True).build()
    with pytest.raises(ParameterError, match=r"sharing.*must be one of"):
        LIF(sharing="all")


def test_it_holds_of_every_neuron_and_of_membrane_norm() -> None:
    neuron = LIFPlus((3, 2, 2), decay="exponential", sharing="channel", norm="membrane", learn=True)
    Network.of(neuron).build()
    assert {value.shape for n, value in neuron.parameters().items() if n in neuron.learned} == {
        (3,)
    }
