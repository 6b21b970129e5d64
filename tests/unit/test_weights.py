"""What is made of a weight before it is used."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, conv_transpose2d
from torch.nn.utils.parametrizations import weight_norm

from bidl_sim import Network, Simulator
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.processes import (
    LIF,
    Conv2d,
    ConvTranspose2d,
    Dense,
    Grid,
    Input,
    PairSTDP,
    SumPool2d,
    Unpool2d,
)
from bidl_sim.trainers import Unroll

RNG = np.random.default_rng(5)
MASK = np.array([[1, 0, 1], [0, 1, 1]])


def model(shape, synapse) -> Unroll:
    return Unroll(Network.sequential(Input(shape), synapse), dtype=torch.float64)


def test_the_grid_is_slayers() -> None:
    """q(w) = clamp(round_half_even(32 w) / 32, -256 / 64, 254 / 64)."""
    w = np.concatenate([RNG.normal(0, 3, 500), (np.arange(-9, 9) + 0.5) / 32])
    np.testing.assert_array_equal(Grid()(w), np.clip(np.rint(32 * w) / 32, -4, 254 / 64))
    np.testing.assert_array_equal(
        Grid(8, 3)(np.array([-9.0, -0.4, 0.2, 9])), [-1, -0.5, 0.25, 0.75]
    )


def test_gradients_pass_the_grid_within_its_range_only() -> None:
    x = torch.tensor([-5.0, -4.0, 0.01, 3.9, 3.99, 5.0], requires_grad=True)
    (Grid()(x) * torch.arange(1.0, 7)).sum().backward()
    # 3.99 is rounded to 4, beyond the range's end at 127 / 32
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad, [0, 2, 3, 4, 0, 0])


@pytest.mark.parametrize(
    ("make", "theirs", "axis", "shape"),
    [
        (lambda **o: Dense(5, 4, **o), torch.nn.Linear(5, 4), 0, (5,)),
        (lambda **o: Conv2d(4, 6, 3, groups=2, **o), torch.nn.Conv2d(4, 6, 3, groups=2), 0, None),
        (lambda **o: ConvTranspose2d(4, 3, 2, **o), torch.nn.ConvTranspose2d(4, 3, 2), 1, None),
    ],
    ids=["Dense", "Conv2d", "ConvTranspose2d"],
)
def test_weight_norm_is_torchs(make, theirs, axis, shape) -> None:
    theirs = weight_norm(theirs.double(), dim=axis)
    parts = theirs.parametrizations.weight
    length, direction = parts.original0, parts.original1
    ours = model(
        shape or (4, 5, 5),
        make(
            weight=direction,
            bias=theirs.bias,
            gain=1.5 * length.detach().flatten(),
            weight_norm=True,
        ),
    )
    with torch.no_grad():
        length *= 1.5
    x = torch.tensor(RNG.normal(size=(2, 3, *(shape or (4, 5, 5)))))
    y, wanted = ours(x), theirs(x.flatten(0, 1))
    torch.testing.assert_close(y.flatten(0, 1), wanted)
    for out in (y.flatten(0, 1), wanted):
        (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
    found = {name.partition(".")[2]: p.grad for name, p in ours.named_parameters()}
    torch.testing.assert_close(found["weight"], direction.grad)
    torch.testing.assert_close(found["gain"], length.grad.flatten())


def test_each_group_of_a_transposed_convolution_has_its_own_norms() -> None:
    weight = RNG.normal(size=(4, 3, 2, 2))
    synapse = ConvTranspose2d(4, 6, 2, groups=2, weight_norm=True, weight=weight, gain=np.ones(6))
    used = synapse.effective_weight(synapse.parameters())
    first, second = used[:2], used[2:]
    for group in (first, second):
        np.testing.assert_allclose((group**2).sum((0, 2, 3)), 1)


def test_the_first_gain_leaves_the_weight_as_it_is() -> None:
    net = Network.sequential(Input(5), Dense(5, 4, weight_norm=True))
    net.build()
    dense = net.processes["dense1"]
    assert isinstance(dense, Dense)
    assert dense.learned == ("weight", "bias", "gain")
    used = dense.effective_weight(dense.parameters())
    np.testing.assert_allclose(used, dense.weight, rtol=1e-6)  # float32


def test_normalised_then_masked_then_quantised() -> None:
    weight, gain = RNG.normal(size=(2, 3)), np.array([1.5, 0.4])
    options = {"weight_norm": True, "mask": MASK, "quantize": (64, 8), "bias": [0.3, 9]}
    unit = weight / np.linalg.norm(weight, axis=1, keepdims=True)
    wanted = np.rint(32 * gain[:, None] * unit * MASK) / 32
    bias = np.array([0.3125, 254 / 64])
    for engine in ("torch", "event"):
        net = Network.sequential(Input(3), Dense(3, 2, weight=weight, gain=gain, **options))
        sim = Simulator(net, engine=engine, dtype="float64")
        np.testing.assert_allclose(sim.run(np.eye(3)) - bias, wanted.T, atol=1e-12)
        sim.write("dense1.gain", 2 * gain)
        sim.reset()
        again = np.rint(64 * gain[:, None] * unit * MASK) / 32
        np.testing.assert_allclose(sim.run(np.eye(3)) - bias, again.T, atol=1e-12)


def test_what_is_masked_is_no_synapse_and_learns_nothing() -> None:
    dense = Dense(3, 2, mask=MASK.astype(bool))
    module = model(3, dense)
    module(torch.ones(1, 1, 3, dtype=torch.float64)).sum().backward()
    np.testing.assert_array_equal(module.dense1.weight.grad, MASK)
    signal = module.circuit.main_signal("dense1")
    np.testing.assert_array_equal(dense.fan_out(signal), MASK.sum(0))


@pytest.mark.parametrize(
    ("synapse", "shape"),
    [
        (
            Conv2d(4, 6, (3, 2), (2, 1), (1, 0), (1, 2), 2, mask=RNG.random((6, 2, 3, 2)) > 0.4),
            (6, 7),
        ),
        (
            ConvTranspose2d(4, 6, 3, 2, (1, 0), groups=2, mask=RNG.random((4, 3, 3, 3)) > 0.4),
            (3, 4),
        ),
        (ConvTranspose2d(4, 2, (3, 2), (1, 3), dilation=(2, 1), output_padding=(1, 2)), (3, 4)),
    ],
    ids=["Conv2d", "ConvTranspose2d", "ConvTranspose2d-all"],
)
def test_synapses_are_counted_one_by_one(synapse, shape) -> None:
    """As many as the outputs that a unit through weights of 1 reaches."""
    signal = Network.sequential(Input((4, *shape)), synapse).build().main_signal(synapse.name)
    ones = np.ones(synapse.weight_shape)
    used = torch.tensor(ones if "mask" in synapse.left_out else synapse.mask).double()
    x = torch.zeros(1, *signal.shape, dtype=torch.float64, requires_grad=True)
    window = (synapse.stride, synapse.padding)
    if isinstance(synapse, ConvTranspose2d):
        more = (synapse.output_padding, synapse.groups, synapse.dilation)
        conv_transpose2d(x, used, None, *window, *more).sum().backward()
    else:
        conv2d(x, used, None, *window, synapse.dilation, synapse.groups).sum().backward()
    np.testing.assert_array_equal(synapse.fan_out(signal), x.grad[0])
    np.testing.assert_array_equal(synapse.used_fan_out(signal), x.grad[0])
    synapse.weight = np.zeros(synapse.weight_shape)
    assert not synapse.used_fan_out(signal).any()
    assert synapse.weights() == (0, ones.size)


def test_a_transposed_convolution_is_the_transpose() -> None:
    options = {"stride": 2, "padding": 1, "groups": 2, "bias": False}
    weight = RNG.normal(size=(6, 2, 3, 3))
    there = model((4, 5, 7), Conv2d(4, 6, 3, weight=weight, **options))
    back = model((6, 3, 4), ConvTranspose2d(6, 4, 3, weight=weight, **options))
    x, y = (torch.tensor(RNG.normal(size=(1, 1, *s))) for s in ((4, 5, 7), (6, 3, 4)))
    torch.testing.assert_close((there(x) * y).sum(), (x * back(y)).sum())


def test_unpooling_is_the_transpose_of_a_sum() -> None:
    there = model((2, 5, 6), SumPool2d((3, 2), weight=0.6, padding=(1, 0), stride=2))
    back = model((2, 3, 3), Unpool2d((3, 2), weight=0.6, padding=(1, 0), stride=2))
    x, y = (torch.tensor(RNG.normal(size=(1, 1, *s))) for s in ((2, 5, 6), (2, 3, 3)))
    torch.testing.assert_close((there(x) * y).sum(), (x * back(y)).sum())


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"gain": [1.0, 1.0]}, "gain"),
        ({"mask": [[1, 1, 1], [1, 1, 0.5]]}, "mask"),
        ({"weight": [[0.0, 0, 0], [1, 2, 3]], "weight_norm": True}, "weight"),
        ({"quantize": (64,)}, "quantize"),
        ({"quantize": "int7"}, "quantize: must be one of int8"),
        ({"quantize": "float16", "weight": np.full((2, 3), 7e4)}, "weight.*float16 ends at 65504"),
        ({"quantize": (64, 1)}, "quantize, bits"),
        ({"quantize": (0, 8)}, "quantize, scale"),
    ],
)
def test_what_makes_no_sense_is_refused(options, named) -> None:
    with pytest.raises(ParameterError, match=f"Dense.*{named}"):
        Dense(3, 2, **options)


def test_shapes_are_checked() -> None:
    with pytest.raises(ShapeError, match="mask"):
        Dense(3, 2, mask=MASK.T)
    with pytest.raises(ShapeError, match="gain"):
        ConvTranspose2d(3, 2, 2, weight_norm=True, gain=[1.0, 1.0, 1.0])
    with pytest.raises(ParameterError, match="output_padding"):
        ConvTranspose2d(3, 2, 3, 2, output_padding=(1, 2))
    with pytest.raises(ShapeError, match="padding"):
        Network.sequential(Input((3, 1, 1)), ConvTranspose2d(3, 2, 2, padding=1)).build()


@pytest.mark.parametrize(
    ("name", "value"),
    [("weight_norm", True), ("quantize", (64, 8)), ("quantize", "int8"), ("mask", MASK)],
)
def test_a_rule_changes_only_weights_that_are_used_as_they_are(name, value) -> None:
    dense, after = Dense(3, 2, **{name: value}), LIF()
    net = Network()
    source = net.add(Input(3))
    for process in (dense, after):
        net.add(process)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(after.a_in)
    net.add(PairSTDP()).learn_between(source, dense, after)
    with pytest.raises(ParameterError, match=f"Dense.*{name}"):
        net.build()
