"""Neurons and synapses of lava-dl by themselves, and what blocks are made of them."""

from __future__ import annotations

import functools
import importlib

import h5py
import numpy as np
import pytest
import torch

from bidl_sim import Simulator
from bidl_sim.errors import FormatError, ParameterError, ShapeError
from bidl_sim.processes.quantization import Grid
from bidl_sim.slayer import block, neuron, synapse
from bidl_sim.slayer.block.kinds import KINDS
from bidl_sim.slayer.utils import quantize_hook_fx
from bidl_sim.slayer.utils.time import shift

CUBA = {"threshold": 0.2, "current_decay": 0.5, "voltage_decay": 0.2}
RF = {"threshold": 0.2, "period": 6, "decay": 0.1}
SIGMA_DELTA = {"threshold": 0.05, "activation": torch.nn.functional.relu}
GRID = Grid(64, 8)


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(1)


def spikes(*shape: int) -> torch.Tensor:
    return (torch.rand(*shape) < 0.4).float()


@pytest.mark.parametrize("name", ["cuba", "sigma_delta"])
def test_a_synapse_and_a_neuron_are_a_block(name) -> None:
    params = {"cuba": CUBA, "sigma_delta": SIGMA_DELTA}[name]
    whole = getattr(block, name).Conv(params, 2, 3, 3, padding=1)
    cells = getattr(neuron, name).Neuron(**params)
    weigh = synapse.Conv(2, 3, 3, padding=1, pre_hook_fx=cells.quantize_8bit)
    weigh.weight.data.copy_(whole.synapse.weight)
    x = spikes(2, 2, 5, 4, 12)
    y = cells(weigh(x))
    assert cells.shape == (3, 5, 4)
    assert y.count_nonzero() > 0
    assert torch.equal(shift(y, 1) if name == "cuba" else y, whole(x))


def test_a_pair_of_synapses_and_a_complex_neuron_are_a_block() -> None:
    whole = block.rf_iz.Dense(RF, 6, 4, weight_scale=2)
    cells = neuron.rf_iz.Neuron(**RF)
    weigh = synapse.complex.Dense(6, 4, pre_hook_fx=cells.quantize_8bit)
    weigh.real.weight.data.copy_(whole.synapse.real.weight)
    weigh.imag.weight.data.copy_(whole.synapse.imag.weight)
    x = spikes(3, 6, 12)
    y = cells(*weigh(x))
    assert y.count_nonzero() > 0
    assert torch.equal(shift(y, 1), whole(x))
    y.sum().backward()
    alone = weigh.real.weight.grad.norm() / 24, weigh.imag.weight.grad.norm() / 24
    assert weigh.grad_norm == pytest.approx(float(sum(alone) / 2))
    assert whole.synapse.grad_norm == 0
    whole(x).sum().backward()
    assert whole.synapse.grad_norm > 0


def test_a_block_tells_of_its_neurons() -> None:
    made = block.cuba.Conv(CUBA | {"persistent_state": True}, 2, 3, 3, delay=True)
    made(spikes(1, 2, 5, 4, 3))
    assert made.neuron.shape == (3, 3, 2)
    assert (made.neuron.cx_current_decay, made.neuron.threshold) == (2048, 12 / 64)
    assert made.neuron.persistent_state
    assert float(made.neuron.current_decay) == 0.5  # our process's
    with pytest.raises(AttributeError, match="neurons of CUBA have no 'cx_sin_decay'"):
        _ = made.neuron.cx_sin_decay
    assert block.sigma_delta.Output(SIGMA_DELTA, 3, 2).neuron.v_th_mant == 3
    for without in (block.cuba.Flatten(), block.cuba.Average(2), block.cuba.Input()):
        assert not hasattr(without, "neuron")
        assert not hasattr(without, "synapse")
    assert not hasattr(block.cuba.Affine(CUBA, 3, 2, dynamics=False).neuron, "threshold")
    assert block.cuba.Pool(CUBA, 2).synapse.grad_norm == 0


@pytest.mark.parametrize("kind", [k.__name__ for k in KINDS][:10])
@pytest.mark.parametrize("name", ["alif", "rf", "sigma_delta"])
def test_unknown_and_missing_arguments_are_named(name, kind) -> None:
    family = importlib.import_module(f"bidl_sim.slayer.block.{name}")
    arguments = {"Input": (), "Pool": (2,), "Unpool": (2,), "Conv": (1, 1, 3), "ConvT": (1, 1, 3)}
    arguments = arguments.get(kind, (2, 2, 1) if kind == "KWTA" else (2, 2))
    params = dict.fromkeys((*family.FAMILY.fixed, *family.FAMILY.numbers), 0.5)
    with pytest.raises(ParameterError, match=f"{name}: have an unknown 'tresh'"):
        getattr(family, kind)(params | {"tresh": 1.0}, *arguments)
    params.pop("threshold")
    with pytest.raises(ParameterError, match=f"{name}: have no 'threshold'"):
        getattr(family, kind)(params, *arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: neuron.cuba.Neuron(**CUBA | {"current_decay": 1.5}), "current_decay"),
        (lambda: neuron.cuba.Neuron(**CUBA | {"threshold": 0.0}), "threshold"),
        (lambda: neuron.rf.Neuron(**RF | {"period": 3}), "period: must be >= 4"),
        (lambda: neuron.rf.Neuron(**RF | {"decay": 1.2}), "decay"),
        (lambda: neuron.sigma_delta.Neuron(**SIGMA_DELTA, graded_spike=True), "graded_spike"),
        (lambda: neuron.cuba.Neuron(**CUBA, norm="BatchNorm"), "norm: must be one of"),
        (lambda: synapse.Dense(2, 2, pre_hook_fx=torch.round), "pre_hook_fx: must be a Grid"),
        (lambda: synapse.Pool(2, weight_norm=True), "one fixed weight"),
        (lambda: synapse.Pool(2, dilation=2), "one fixed weight"),
        (lambda: synapse.Dense(2, 2)(torch.ones(2, 2)), "takes .batch, channel, ..., time."),
    ],
)
def test_what_cannot_be_is_refused(make, message) -> None:
    with pytest.raises((ParameterError, ShapeError), match=message):
        make()


def test_channels_get_numbers_of_their_own_when_they_are_known() -> None:
    cells = neuron.cuba.Neuron(
        **CUBA | {"voltage_decay": [0.1, 0.3], "current_decay": 0.995},
        shared_param=False,
        requires_grad=True,
    )
    before = list(cells.parameters())
    y = cells(spikes(2, 5, 3, 2, 12))
    assert [id(p) for p in cells.parameters()] == [id(p) for p in before]  # an optimiser's
    current, voltage = cells.neuron.current_decay, cells.neuron.voltage_decay
    assert voltage.shape == current.shape == (5,)
    assert voltage.unique().numel() == 5
    assert voltage.min() >= 0.1
    assert voltage.max() <= 0.3
    assert current.min() >= 0.99 * 0.995
    assert current.max() <= 1
    whole = np.rint(4096 * voltage.detach().numpy())
    np.testing.assert_array_equal(cells.cx_voltage_decay, whole)
    y.sum().backward()
    assert voltage.grad.count_nonzero() > 0
    spread = neuron.rf.Neuron(**RF | {"period": [4, 16]}, shared_param=False)
    spread(spikes(1, 3, 4), spikes(1, 3, 4))
    periods = neuron.rf.neuron_params(spread.device_params)["period"]
    np.testing.assert_allclose(periods, [4, 8, 16], rtol=1e-3)  # of 12 bits


def test_a_persistent_neuron_and_block_go_on_where_they_were() -> None:
    x = spikes(2, 4, 20)
    params = CUBA | {"persistent_state": True}
    for make in (
        lambda **o: neuron.cuba.Neuron(**CUBA, **o),
        lambda **o: block.cuba.Dense(CUBA | o, 4, 4, weight_scale=2, delay=True),
    ):
        torch.manual_seed(0)
        whole = make()(x)
        torch.manual_seed(0)
        parts = make(persistent_state=True)
        assert parts.persistent
        assert torch.equal(torch.cat([parts(x[..., :7]), parts(x[..., 7:])], -1), whole)
        assert torch.equal(parts(x[:1, :, :7]), whole[:1, :, :7])  # another batch begins anew
    assert neuron.cuba.Neuron(**params).persistent_state


def test_weights_pass_a_hook() -> None:
    weigh = synapse.Dense(3, 4)
    x = spikes(1, 3, 5)
    raw = weigh.weight.detach()
    torch.testing.assert_close(weigh(x)[0], raw @ x[0])
    for hook, grid in (
        (GRID, GRID),
        (quantize_hook_fx, Grid(64, 9)),
        (functools.partial(quantize_hook_fx, scale=16, num_bits=4), Grid(16, 5)),
    ):
        weigh.pre_hook_fx = hook
        assert weigh.pre_hook_fx is hook
        torch.testing.assert_close(weigh(x)[0], grid(raw) @ x[0])
        if hook is not GRID:
            torch.testing.assert_close(hook(raw), grid(raw))
    pair = synapse.complex.Conv(1, 1, 2)
    pair.pre_hook_fx = GRID
    assert pair.imag.pre_hook_fx is GRID
    made = block.cuba.Dense(CUBA, 3, 4, pre_hook_fx=quantize_hook_fx)
    assert made.network().processes["synapse"].quantize == Grid(64, 9)


def test_normed_weights_have_a_length_and_a_direction() -> None:
    weigh = synapse.ConvTranspose(2, 3, 2, weight_norm=True)
    assert {n.rpartition(".")[2] for n, _ in weigh.named_parameters()} == {"weight", "gain"}
    x = spikes(1, 2, 3, 3, 4)
    y = weigh(x)
    weigh.weight.data *= 3  # the direction stays
    torch.testing.assert_close(weigh(x), y)


def test_pooling_sums_and_unpooling_spreads() -> None:
    x = torch.rand(2, 3, 5, 4, 6)
    sums = synapse.Pool(2, weight_scale=0.5)(x)
    assert sums.shape == (2, 3, 3, 2, 6)  # filled up to whole windows
    torch.testing.assert_close(sums[..., 0, 1, :], 0.5 * x[..., :2, 2:, :].sum((2, 3)))
    spread = synapse.Unpool(2, weight_scale=0.5)(x)
    assert spread.shape == (2, 3, 10, 8, 6)
    torch.testing.assert_close(spread[:, :, 9, 2], 0.5 * x[:, :, 4, 1])
    assert all(torch.equal(part, sums) for part in synapse.complex.Pool(2, weight_scale=0.5)(x))


def test_norms_follow_their_inputs() -> None:
    x = torch.rand(8, 3, 2, 2, 20) + torch.tensor([0.0, 1.0, 2.0]).view(3, 1, 1, 1)
    for norm in (neuron.norm.MeanOnlyBatchNorm(momentum=0.5), neuron.norm.WgtScaleBatchNorm(3)):
        for _ in range(40):
            norm(x)
        mean = x.mean((0, 2, 3, 4))
        torch.testing.assert_close(norm.running_mean, mean, rtol=0.02, atol=0)
        assert torch.equal(norm.bias, -64 * GRID(norm.running_mean))
        norm.eval()
        kept = norm.running_mean.clone()
        centred = x - GRID(kept).view(3, 1, 1, 1)
        torch.testing.assert_close(norm(x), centred)  # the deviation is within (0.5, 1]
        assert torch.equal(norm.running_mean, kept)
    assert 0.25 < norm.running_var < 1


def test_dropout_silences_for_all_of_time() -> None:
    dropout = neuron.Dropout(0.25)
    y = dropout(torch.ones(4, 20, 30))
    assert ((y == 0) == (y[..., :1] == 0)).all()
    assert 0.1 < (y == 0).float().mean() < 0.4
    assert torch.equal(dropout.eval()(torch.ones(4, 20, 30)), torch.ones(4, 20, 30))
    cells = neuron.cuba.Neuron(**CUBA, dropout=dropout, norm=neuron.norm.MeanOnlyBatchNorm)
    assert cells.network().processes["dropout"].p == 0.25
    assert "norm" in cells.network().processes


def test_a_block_counts_and_simulates_as_it_runs() -> None:
    made = block.cuba.Dense(CUBA, 4, 3, weight_scale=3, mask=np.eye(3, 4), count_log=True)
    x = spikes(2, 4, 12)
    y, count = made(x)
    assert count == (y != 0).float().mean() > 0
    assert not (made.network().processes["synapse"].mask - np.eye(3, 4)).any()
    found = Simulator(made.network()).run(x.movedim(-1, 1))
    np.testing.assert_array_equal(found.movedim(1, -1), y.detach())


def test_a_file_tells_what_it_cannot_hold() -> None:
    made = block.sigma_delta.Dense(SIGMA_DELTA | {"cum_error": True}, 3, 2)
    with h5py.File("layer", "w", driver="core", backing_store=False) as file:
        with pytest.raises(FormatError, match="cum_error: is True"):
            made.export_hdf5(file)
        assert not list(file)
