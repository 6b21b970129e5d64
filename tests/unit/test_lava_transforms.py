"""Groups of channels, bins of time, neurons that inhibit each other, and recurrence."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bidl_sim import Network, Simulator
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.processes import (
    LIF,
    Dense,
    GroupMean,
    Input,
    LateralInhibition,
    TimeDecimation,
)
from bidl_sim.trainers import Unroll


def test_groups_are_averaged_as_lava_dl_does(lava_golden) -> None:
    d = np.load(lava_golden / "blocks" / "cuba__average.npz")
    model = Unroll(Network.sequential(Input(12), GroupMean(2)))
    x = torch.tensor(d["x"].swapaxes(1, 2), requires_grad=True)
    y = model(x)
    np.testing.assert_array_equal(y.detach().numpy().swapaxes(1, 2), d["y"])
    y.backward(torch.tensor(d["grad_out"].swapaxes(1, 2).copy()))
    np.testing.assert_allclose(x.grad.numpy().swapaxes(1, 2), d["grad_x"], rtol=1e-5)


def test_channels_must_make_equal_groups() -> None:
    with pytest.raises(ShapeError, match=r"5 channels.*2 equal"):
        Network.sequential(Input((5, 2)), GroupMean(2)).build()


def test_bins_are_averaged_as_lava_dl_does(lava_golden) -> None:
    """What it puts at step k is sent in the last step of the bin k."""
    d = np.load(lava_golden / "blocks" / "cuba__timedecimation.npz")
    model = Unroll(Network.sequential(Input(9), TimeDecimation(4)))
    x = torch.tensor(d["x"].swapaxes(1, 2), requires_grad=True)
    y = model(x)
    np.testing.assert_array_equal(y[:, 3::4].detach().numpy().swapaxes(1, 2), d["y"])
    others = [t for t in range(24) if t % 4 < 3]
    assert not y[:, others].any()
    y[:, 3::4].backward(torch.tensor(d["grad_out"].swapaxes(1, 2).copy()))
    np.testing.assert_allclose(x.grad.numpy().swapaxes(1, 2), d["grad_x"], rtol=1e-5)


@pytest.mark.parametrize("quantize", [None, (8, 8)])
def test_lateral_inhibition_is_a_matrix(quantize, rng) -> None:
    x = torch.tensor(rng.normal(size=(2, 6, 4)))
    inhibition = LateralInhibition(0.3, quantize=quantize)
    model = Unroll(Network.sequential(Input(4), inhibition), dtype=torch.float64)
    own = 0.3 if quantize is None else 0.25  # steps of a quarter
    matrix = torch.full((4, 4), -1.0).fill_diagonal_(own).double()
    y = model(x)
    torch.testing.assert_close(y, x @ matrix)
    g = torch.tensor(rng.normal(size=y.shape))
    y.backward(g)
    torch.testing.assert_close(model.lateralinhibition1.self_excitation.grad, (g * x).sum())


def test_self_excitation_is_one_number_in_the_unit_interval() -> None:
    with pytest.raises(ParameterError, match=r"self_excitation.*\[0, 1\]"):
        LateralInhibition(1.1)
    with pytest.raises(ShapeError, match="self_excitation"):
        LateralInhibition([0.1, 0.2])


def recurrent(weight, *feedback) -> Network:
    """Input -> Dense -> LIF, whose spikes come back a step later through ``feedback``."""
    net = Network()
    source, dense, neurons = Input(4), Dense(4, 6, weight=weight, bias=False), LIF(alpha=0.8)
    for process in (source, dense, neurons, *feedback):
        net.add(process)
    net.connect(source, dense)
    net.connect(dense, neurons)
    for process in feedback:
        net.connect(neurons, process, delay=1)
        net.connect(process, neurons)
    net.expose(neurons.s_out)
    return net


@pytest.mark.parametrize("engine", ["torch", "event"])
def test_recurrence_is_a_dense_with_delay_1(engine, rng) -> None:
    """s[t] = neuron(W x[t] + R s[t - 1])."""
    weight, back, x = (rng.normal(size=shape) for shape in ((6, 4), (6, 6), (25, 4)))
    net = recurrent(weight, Dense(6, 6, weight=back, bias=False, name="back"))
    out = Simulator(net, engine=engine, dtype="float64").run(x)
    v, s = np.zeros(6), np.zeros(6)
    for t in range(25):
        u = v + weight @ x[t] + back @ s
        s = (u > 0.5).astype(float)
        v = 0.8 * (1 - s) * u
        np.testing.assert_array_equal(out[t], s)
    assert 0.1 < out.mean() < 0.9


def test_few_win_by_lateral_inhibition(rng) -> None:
    weight, x = rng.normal(size=(6, 4)), rng.normal(size=(60, 4))
    among, alone = (
        Simulator(net, dtype="float64").run(x).mean()
        for net in (recurrent(weight, LateralInhibition()), recurrent(weight))
    )
    assert among < 0.8 * alone
