"""Torch modules in a row as a network: the same numbers in every timestep, or a refusal."""

from __future__ import annotations

from copy import deepcopy

import look_alikes as la
import numpy as np
import pytest
import torch
from torch import nn

import bidl_sim
from bidl_sim import Network, Simulator, netx
from bidl_sim.errors import GraphError, ParameterError, ShapeError
from bidl_sim.processes import LIF, BatchNorm, Dense


def same(modules, shape, drive: float = 1.0, steps: int = 40) -> np.ndarray:
    """What both send for two samples; modules are called once a step."""
    model = nn.Sequential(*modules).double().eval()
    x = np.random.default_rng(2).normal(0.3 * drive, drive, (2, steps, *shape))
    with torch.no_grad():
        wanted = np.stack([model(torch.from_numpy(x[:, t])).numpy() for t in range(steps)], 1)
    net = netx.from_torch(model, shape)
    found = Simulator(net, dtype="float64").run(x, progress=False)
    np.testing.assert_allclose(found, wanted.reshape(found.shape), atol=1e-9)  # other order of sums
    return found


def moved(norm):
    """A normalisation that has seen something."""
    with torch.no_grad():
        for value in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
            if value is not None:
                value.uniform_(0.5, 1.5)
    return norm


IMAGES = {
    "Conv2d": lambda: nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(0, 1), groups=2, bias=False),
    "Conv2d, same": lambda: nn.Conv2d(2, 3, 3, padding="same", dilation=2),
    "Conv2d, valid": lambda: nn.Conv2d(2, 3, 3, padding="valid"),
    "ConvTranspose2d": lambda: nn.ConvTranspose2d(2, 3, 3, stride=2, output_padding=1),
    "AvgPool2d": lambda: nn.AvgPool2d(3, 1, padding=1),
    "AvgPool2d as a sum": lambda: nn.AvgPool2d(2, divisor_override=1),
    "AvgPool2d, no padding counts": lambda: nn.AvgPool2d(2, count_include_pad=False),
    "LPPool2d": lambda: nn.LPPool2d(1, 2),
    "MaxPool2d": lambda: nn.MaxPool2d(2, stride=1, padding=1),
    "AdaptiveAvgPool2d": lambda: nn.AdaptiveAvgPool2d((3, None)),
    "Flatten": lambda: nn.Flatten(),
    "Flatten rows": lambda: nn.Flatten(2, -1),
    "BatchNorm2d": lambda: moved(nn.BatchNorm2d(2)),
    "BatchNorm2d, plain": lambda: moved(nn.BatchNorm2d(2, affine=False)),
    "Dropout": lambda: nn.Dropout(0.3),
    "Identity": lambda: nn.Identity(),
    "ReLU": lambda: nn.ReLU(),
    "Sigmoid": lambda: nn.Sigmoid(),
    "Tanh": lambda: nn.Tanh(),
}


@pytest.mark.parametrize("name", IMAGES)
def test_layers_of_torch(name) -> None:
    torch.manual_seed(0)
    same([IMAGES[name]()], (2, 6, 6), steps=3)


def test_layers_of_torch_for_vectors() -> None:
    torch.manual_seed(0)
    same([nn.Linear(4, 3), moved(nn.BatchNorm1d(3)), nn.Linear(3, 2, bias=False)], (4,), steps=3)
    same([nn.Conv1d(2, 3, 3, stride=2, padding=1), nn.Flatten()], (2, 9), steps=3)


SNNTORCH = [
    la.Leaky(0.9, reset_mechanism=reset, reset_delay=delay)
    for reset in ("subtract", "zero", "none")
    for delay in (True, False)
] + [
    la.Synaptic(0.5, 0.8, threshold=1.5, reset_mechanism=reset, reset_delay=delay)
    for reset in ("subtract", "zero", "none")
    for delay in (True, False)
]
NEURONS = {
    **{f"{type(n).__name__}, {n.reset_mechanism}, {n.reset_delay}": (n, 1.0) for n in SNNTORCH},
    "Leaky, each": (la.Leaky([0.9, 0.5, 1.2], threshold=[1.0, 0.5, 0.7]), 1.0),
    "RLeaky": (la.RLeaky(0.9, nn.Linear(3, 3)), 1.0),
    "RLeaky to zero": (la.RLeaky(0.9, nn.Linear(3, 3), reset_mechanism="zero"), 1.0),
    "RLeaky, one to one": (la.RLeaky(0.5, la.OneToOne([0.5, -0.5, 1.5])), 1.0),
    "IFNode": (la.IFNode(), 1.0),
    "IFNode, soft": (la.IFNode(v_reset=None), 1.0),
    "IFNode, from below": (la.IFNode(v_threshold=0.5, v_reset=-0.5), 1.0),
    "LIFNode": (la.LIFNode(tau=3.0, decay_input=True, v_reset=0.1), 2.0),
    "LIFNode, as it is": (la.LIFNode(tau=3.0, decay_input=False, v_reset=None), 1.0),
    "ParametricLIFNode": (la.ParametricLIFNode(w=torch.tensor(-0.5), decay_input=True), 2.0),
    "CUBALIFNode": (la.CUBALIFNode(c_decay=0.5, v_decay=0.75), 0.5),
    "LIFBoxCell": (la.LIFBoxCell(v_leak=0.2, v_reset=0.1, v_th=0.7), 6.0),
    "LIFBoxCell, soft": (la.LIFBoxCell(dt=0.002, reset_method=la.reset_subtract), 6.0),
    "LIFCell": (la.LIFCell(), 3.0),
    "LICell": (la.LICell(v_leak=0.3), 1.0),
    "LIBoxCell": (la.LIBoxCell(), 1.0),
    "IAFCell": (la.IAFCell(v_th=0.8, v_reset=0.2), 1.0),
    "sinabs.LIF": (la.LIF(5.0), 4.0),
    "sinabs.LIF, as it is": (la.LIF(5.0, norm_input=False, spike_threshold=0.5), 1.0),
    "sinabs.LIF with a current": (la.LIF(5.0, tau_syn=3.0, spike_fn=la.SingleSpike), 4.0),
    "IAFSqueeze": (la.IAFSqueeze(min_v_mem=la.tensor(-0.5)), 1.0),
    "IAFSqueeze, at most two": (
        la.IAFSqueeze(
            spike_fn=la.MaxSpike(max_num_spikes_per_bin=2),
            reset_fn=la.MembraneReset(reset_value=0.0),
        ),
        2.0,
    ),
    "ExpLeak": (la.ExpLeak(7.0, norm_input=False), 1.0),
}


@pytest.mark.parametrize("name", NEURONS)
def test_neurons_of_libraries(name) -> None:
    neuron, drive = NEURONS[name]
    found = same([deepcopy(neuron)], (3,), drive, steps=80)
    assert np.count_nonzero(found) > 10
    assert name in ("LICell", "LIBoxCell", "ExpLeak") or np.count_nonzero(found == 0) > 10


def test_a_whole_model_keeps_its_paths() -> None:
    torch.manual_seed(0)
    block = nn.Sequential(nn.Conv2d(1, 2, 3), moved(nn.BatchNorm2d(2)), la.IFNode(v_threshold=0.5))
    parts = {"block": block, "pool": nn.AdaptiveAvgPool2d(2), "nothing": nn.Sequential()}
    model = nn.Sequential()
    for name, part in parts.items():
        model.add_module(name, part)
    rest = la.SequentialState(nn.Flatten(), la.Linear(8, 3), la.Leaky(0.9, threshold=0.1))
    model.add_module("rest", rest)
    model.double().eval()
    net = netx.from_torch(model, (1, 6, 6))
    assert list(net.build().processes) == [
        *("input", "block.0", "block.1", "block.2", "pool", "rest.0", "rest.1", "rest.2"),
    ]
    np.testing.assert_array_equal(
        net.build().processes["rest.1"].weight, model.rest[1].weight.detach().numpy()
    )
    assert np.count_nonzero(same(model, (1, 6, 6), steps=30)) > 10


def test_modules_and_processes_in_a_row() -> None:
    """For a model that calls its layers itself, and for neurons of ours."""
    layers = [nn.Linear(4, 6), LIF(alpha=0.9), nn.Linear(6, 2)]
    net = bidl_sim.from_torch(layers, 4)
    assert [type(p).__name__ for p in net.processes.values()] == ["Input", "Dense", "LIF", "Dense"]
    assert net.processes["1"] is layers[1]
    assert Simulator(net).run(np.ones((5, 4)), progress=False).shape == (5, 2)
    single = netx.from_torch(nn.Linear(4, 6), 4)
    assert isinstance(single.processes["0"], Dense)


def test_it_can_be_saved_and_shares_no_memory(tmp_path) -> None:
    norm = moved(nn.BatchNorm1d(3))
    net = netx.from_torch(nn.Sequential(nn.Linear(4, 3), norm, la.Leaky(0.5)), 4)
    before = np.array(net.processes["1"].mean)
    norm.running_mean.add_(1.0)
    np.testing.assert_array_equal(net.processes["1"].mean, before)
    assert isinstance(net.processes["1"], BatchNorm)
    netx.save(net, tmp_path / "a.net")
    assert list(netx.load(tmp_path / "a.net").processes) == ["input", "0", "1", "2"]


def test_weights_of_few_bits_are_widened() -> None:
    linear = nn.Linear(4, 3).to(torch.bfloat16)
    weight = netx.from_torch(linear, 4).processes["0"].weight
    np.testing.assert_array_equal(weight, linear.weight.detach().float().numpy())


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


class Renamed(nn.Linear):
    """Computes what its base does."""


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


class Model(nn.Module):
    def forward(self, x):
        return x


def test_a_subclass_that_computes_the_same_is_read() -> None:
    assert isinstance(netx.from_torch(Renamed(4, 2), 4).processes["0"], Dense)


shared = la.Leaky(0.9)
CANNOT = {
    "GRU": (lambda: nn.GRU(4, 2), r"0 \(GRU\): is no module that is known. help: give its layers"),
    "a model": (lambda: Model(), r"0 \(Model\): is no module that is known"),
    "a forward of its own": (lambda: Doubled(4, 2), r"\(Doubled\): is no module that is known"),
    "a row with a forward": (lambda: Residual(nn.Linear(4, 4)), r"\(Residual\): has a forward of"),
    "deep inside": (
        lambda: nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.Softmax(1))),
        r"from_torch, 0\.1 \(Softmax\)",
    ),
    "padding mode": (lambda: nn.Conv1d(1, 1, 3, padding_mode="circular"), "is 'circular', which"),
    "an even kernel": (lambda: nn.Conv1d(1, 1, 2, padding="same"), "has unequal sides"),
    "ceil mode": (lambda: nn.AvgPool2d(2, ceil_mode=True), "ceil_mode: is True, which no process"),
    "padding that does not count": (
        lambda: nn.AvgPool2d(3, padding=1, count_include_pad=False),
        "count_include_pad: is False",
    ),
    "dilation": (lambda: nn.MaxPool2d(2, dilation=2), "dilation: is 2"),
    "a norm": (lambda: nn.LPPool2d(2, 2), "norm_type: is 2"),
    "no statistics": (
        lambda: nn.BatchNorm1d(4, track_running_stats=False),
        "track_running_stats: is False",
    ),
    "a mean over all batches": (lambda: nn.BatchNorm1d(4, momentum=None), "momentum: is None"),
    "the batch axis": (lambda: nn.Flatten(0), "start_dim: takes in the batch axis. help: use 1"),
    "a winner": (lambda: la.Leaky(0.9, inhibition=True), "inhibition: is True"),
    "a recurrent way": (
        lambda: la.RLeaky(0.9, la.OneToOne(1.0), inhibition=True),
        "inhibition: is True",
    ),
    "no leak of a current": (
        lambda: la.CUBALIFNode(c_decay=1.0, v_decay=0.5),
        "c_decay: leaves all in a step",
    ),
    "a reset of one's own": (
        lambda: la.LIFBoxCell(reset_method=lambda z, v, r, t: v),
        r"p\.reset_method: is <lambda>",
    ),
    "another spike function": (lambda: la.LIF(2.0, spike_fn=Model), "spike_fn: is Model, known"),
    "another reset": (
        lambda: la.LIF(2.0, reset_fn=la.MembraneReset(reset_value=0.1)),
        "reset_fn: is MembraneReset",
    ),
    "a state in two places": (lambda: nn.Sequential(shared, shared), "1: is in the row twice"),
    "no module": (lambda: [nn.Linear(4, 4), "relu"], r"1 \(str\): must be a torch module or"),
}  # fmt: skip


@pytest.mark.parametrize("name", CANNOT)
def test_what_no_process_does_is_refused_by_name(name) -> None:
    make, text = CANNOT[name]
    with pytest.raises(ParameterError, match=text):
        netx.from_torch(make(), 4)


def test_shapes_that_do_not_fit_are_found(rng) -> None:
    with pytest.raises(ShapeError, match="8"):
        netx.from_torch([nn.Linear(4, 3), nn.Linear(8, 2)], 4)
    with pytest.raises(ParameterError, match="3 x 3 does not divide 4 x 4"):
        netx.from_torch(nn.AdaptiveAvgPool2d(3), (1, 4, 4))
    inner = Network.sequential(LIF())
    with pytest.raises(ParameterError, match="needs the shape of its input"):
        netx.from_torch([inner, nn.AdaptiveAvgPool2d(1)], (1, 4, 4))
    row = nn.Sequential()
    row.add_module("input", nn.Linear(4, 4))
    with pytest.raises(GraphError, match="the name 'input' is taken"):
        netx.from_torch(row, 4)
