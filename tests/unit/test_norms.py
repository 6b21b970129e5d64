"""Normalisations of integer neurons, against lava-dl and against their equations."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from bidl_sim import Network, Simulator
from bidl_sim.errors import ScheduleError
from bidl_sim.processes import LIF, Grid, Input, MeanOnlyBatchNorm, WeightScaleBatchNorm
from bidl_sim.trainers import Unroll

NORMS = {"mean_only": MeanOnlyBatchNorm, "wgt_scale": WeightScaleBatchNorm}


def given(d, kind: str, part: str = ""):
    """The norm with the running statistics of a file."""
    statistics = {"mean": d[f"{part}norm_running_mean"]}
    if kind == "wgt_scale":
        statistics["var"] = d[f"{part}norm_running_var"][0]
    return NORMS[kind](**statistics)


def normed(norm, x):
    """Arrays ``(batch, channel, time)``."""
    net = Network.sequential(Input(x.shape[1]), norm)
    return Simulator(net, dtype="float64").run(x.swapaxes(1, 2)).swapaxes(1, 2)


def leaky(x, decay: int):
    """Integers: u = T((4096 - decay) u) + x, T towards zero."""
    u, found = np.zeros(x.shape[:-1], int), []
    for t in range(x.shape[-1]):
        u = (4096 - decay) * u
        u = np.sign(u) * (np.abs(u) >> 12) + np.rint(4096 * x[..., t]).astype(int)
        found.append(u)
    return np.stack(found, -1) / 4096


@pytest.mark.parametrize("kind", NORMS)
def test_it_equals_lava_dls(kind, lava_golden) -> None:
    folder = lava_golden / "neurons"
    for neuron in ("cuba", "alif", "sigma_delta", "rf"):
        d = np.load(folder / f"{neuron}__{kind}_norm_eval.npz")
        device = json.loads(str(d["meta_json"]))["device_params"]
        if neuron == "cuba":  # of the current; the file has the normalised one
            out, wanted = normed(given(d, kind), leaky(d["x"], device["iDecay"])), d["current"]
        elif neuron == "alif":
            out, wanted = leaky(normed(given(d, kind), d["x"]), device["iDecay"]), d["current"]
        elif neuron == "sigma_delta":
            out, wanted = normed(given(d, kind), d["sigma"]).clip(0), d["delta_in"]
        else:  # from rest, the first input is the first state
            out = normed(given(d, kind, "real_"), d["real_in"])[..., 0]
            wanted = d["real"][..., 0]
        np.testing.assert_array_equal(out, wanted, neuron)


def test_the_bias_on_a_chip_is_the_mean_on_the_grid(lava_golden) -> None:
    d = np.load(lava_golden / "neurons" / "sigma_delta__mean_only_norm_eval.npz")
    np.testing.assert_array_equal(-64 * Grid()(d["norm_running_mean"]), d["norm_bias_int"])


@pytest.mark.parametrize(
    ("block", "norm"),
    [("dense_meanonlynorm", MeanOnlyBatchNorm), ("dense_wgtscalenorm", WeightScaleBatchNorm)],
)
def test_training_moves_statistics_as_lava_dl_does(block, norm, lava_golden) -> None:
    """Three passes with the same data, from the declared statistics."""
    d = np.load(lava_golden / "blocks" / f"alif__{block}.npz")
    weight = Grid()(d["param_synapse.weight"][..., 0, 0, 0])
    net = Network.sequential(Input(7), norm())
    model = Unroll(net).train()
    x = torch.tensor(np.einsum("oi,nit->nto", weight, d["x"]))
    for _ in range(3):
        model(x)
    model.write_back()
    found = next(p for p in net.processes.values() if isinstance(p, MeanOnlyBatchNorm))
    # sums in float32 in another order
    np.testing.assert_allclose(found.mean, d["buffer_neuron.norm.running_mean"], rtol=1e-5)
    if isinstance(found, WeightScaleBatchNorm):
        np.testing.assert_allclose(found.var, d["buffer_neuron.norm.running_var"][0], rtol=1e-5)


def test_training_centres_by_the_batch_and_its_gradient_knows() -> None:
    x = torch.randn(4, 9, 3, 2, 2, generator=torch.Generator().manual_seed(1)) + 2
    x = x.double().requires_grad_()
    model = Unroll(Network.sequential(Input((3, 2, 2)), WeightScaleBatchNorm())).double().train()
    y = model(x)
    mean = x.mean((0, 1, 3, 4), keepdim=True)
    exponent = (x.detach().var(unbiased=False) + 1e-5).sqrt().log2().ceil()
    torch.testing.assert_close(y, (x - Grid()(mean.detach())) / 2**exponent)
    g = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).view_as(y)
    (y * g).sum().backward()
    wanted = (g - g.mean((0, 1, 3, 4), keepdim=True)) / 2**exponent
    torch.testing.assert_close(x.grad, wanted)


@pytest.mark.parametrize(("var", "exponent"), [(0.0, -3), (0.26, 0), (1.1, 1), (1e6, 3)])
def test_the_exponent_stays_within_its_bound(var, exponent) -> None:
    assert WeightScaleBatchNorm().exponent(var) == exponent


def test_a_loop_needs_the_statistics_of_a_step() -> None:
    norm, neuron = MeanOnlyBatchNorm(), LIF()
    net = Network()
    for process in (source := Input(3), norm, neuron):
        net.add(process)
    net.connect(source, norm)
    net.connect(norm, neuron)
    net.connect(neuron, norm, delay=1)
    x = torch.zeros(2, 5, 3)
    with pytest.raises(ScheduleError, match=r"MeanOnlyBatchNorm.*whole sequence"):
        Unroll(net).train()(x)
    norm.statistics = "step"
    Unroll(net).train()(x)
