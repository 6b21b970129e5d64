"""What joins signals: products, concatenation, reshaping, maps over time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import conv1d, linear

from bidl_sim import Network, Simulator
from bidl_sim.errors import BidlError, ParameterError, ShapeError
from bidl_sim.processes import (
    Concat,
    Einsum,
    GlobalAvgPool,
    Input,
    Multiply,
    Reshape,
    Sink,
    TemporalLinear,
)
from bidl_sim.trainers import Unroll


def joined(process, *shapes: tuple[int, ...]) -> Network:
    """An input for each port of a process."""
    net = Network()
    net.add(process)
    for number, (port, shape) in enumerate(zip(process.in_ports.values(), shapes, strict=True)):
        net.connect(net.add(Input(shape), f"x{number}"), port)
    return net


def run(process, *values: np.ndarray) -> np.ndarray:
    """What a process sends; both engines must say the same."""
    net = joined(process, *(v.shape[2:] for v in values))
    given = {f"x{n}": v for n, v in enumerate(values)}
    one, two = (Simulator(net, engine=e, dtype="float64").run(given) for e in ("torch", "event"))
    np.testing.assert_allclose(two, one, atol=1e-12)  # sums in another order
    return one


@pytest.mark.parametrize(
    ("equation", "first", "second"),
    [
        ("ik,kj->ij", (3, 4), (4, 2)),
        ("hdi,hdj->hij", (2, 3, 4), (2, 3, 5)),
        ("hij,hdj->hdi", (2, 4, 5), (2, 3, 5)),
        ("ab,c->bc", (2, 3), (4,)),
        ("a,a->a", (3,), (3,)),
    ],
)
def test_einsum_is_that_of_numpy(equation, first, second, rng) -> None:
    one, two = rng.normal(size=(2, 5, *first)), rng.normal(size=(2, 5, *second))
    left, right, out = equation.replace("->", ",").split(",")
    wanted = 0.5 * np.einsum(f"...{left},...{right}->...{out}", one, two)
    np.testing.assert_allclose(run(Einsum(equation, 0.5), one, two), wanted, atol=1e-12)


@pytest.mark.parametrize(
    ("per", "gate", "view"),
    [("value", (3, 2, 4), (3, 2, 4)), ("channel", (3,), (3, 1, 1)), ("frame", (1,), (1, 1, 1))],
)
def test_a_gate_holds_for_all_places(per, gate, view, rng) -> None:
    x, g = rng.normal(size=(2, 5, 3, 2, 4)), rng.normal(size=(2, 5, *gate))
    np.testing.assert_array_equal(run(Multiply(per), x, g), x * g.reshape(2, 5, *view))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_inputs_stand_one_after_another(axis, rng) -> None:
    shapes = [[2, 3, 4] for _ in range(3)]
    for shape, size in zip(shapes, (1, 5, 2), strict=True):
        shape[axis] = size
    values = [rng.normal(size=(2, 5, *shape)) for shape in shapes]
    wanted = np.concatenate(values, 2 + axis)
    np.testing.assert_array_equal(run(Concat(3, axis), *values), wanted)


def test_means_over_places_and_over_frames(rng) -> None:
    x = rng.normal(size=(2, 5, 3, 2, 4))
    np.testing.assert_allclose(run(GlobalAvgPool(), x), x.mean((3, 4)), atol=1e-12)
    np.testing.assert_allclose(run(GlobalAvgPool("frame"), x)[..., 0], x.mean((2, 3, 4)))


@pytest.mark.parametrize("kernel", [1, 2, 3])
def test_a_map_over_time_is_a_masked_linear_map(kernel, rng) -> None:
    """Weights and frames of later steps are there, and have no effect."""
    weight, x = rng.normal(size=(6, 6, kernel)), rng.normal(size=(2, 6, 5))
    found = run(TemporalLinear(6, kernel, weight=weight), x)
    masked = torch.tensor(weight) * torch.tril(torch.ones(6, 6))[:, :, None]
    frames = torch.nn.functional.pad(torch.tensor(x), ((kernel - 1) // 2, kernel // 2))
    np.testing.assert_allclose(found, conv1d(frames, masked), atol=1e-12)
    if kernel == 1:
        wanted = linear(torch.tensor(x).transpose(1, 2), masked[..., 0]).transpose(1, 2)
        np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_after_its_steps_a_map_over_time_slides(rng) -> None:
    weight, x = rng.normal(size=(4, 4, 1)), rng.normal(size=(1, 9, 3))
    found = run(TemporalLinear(4, weight=weight), x)
    for t in range(4, 9):
        wanted = np.einsum("n,nc->c", weight[3, :, 0], x[0, t - 3 : t + 1])
        np.testing.assert_allclose(found[0, t], wanted, atol=1e-12)


@pytest.mark.parametrize("delays", [(0, 2), (3, 0), (1, 1)])
def test_weights_are_those_of_the_step_a_delayed_value_arrives_in(delays, rng) -> None:
    net = Network()
    source, mixed, end = (net.add(p) for p in (Input(3), TemporalLinear(4, 2), Sink()))
    net.connect(source, mixed, delay=delays[0])
    net.connect(mixed, end, delay=delays[1])
    x = rng.normal(size=(2, 12, 3))
    one, two = (Simulator(net, engine=e, dtype="float64").run(x) for e in ("torch", "event"))
    assert np.abs(one).max() > 0.1
    np.testing.assert_allclose(two, one, atol=1e-12)


@pytest.mark.parametrize(
    ("process", "shapes"),
    [
        (Einsum("ik,kj->ij", 0.5), ((2, 3), (3, 2))),
        (Multiply("channel"), ((2, 2, 2), (2,))),
        (Multiply("frame"), ((2, 2, 2), (1,))),
        (Concat(2, 1), ((2, 2), (2, 3))),
        (GlobalAvgPool(), ((2, 2, 2),)),
        (Reshape((3, -1)), ((2, 3),)),
        (TemporalLinear(3, 2), ((2,),)),
    ],
    ids=lambda p: type(p).__name__,
)
def test_gradients_are_finite_differences(process, shapes, rng) -> None:
    model = Unroll(joined(process, *shapes), dtype="float64")
    values = tuple(
        torch.tensor(rng.normal(size=(2, 4, *shape)), requires_grad=True) for shape in shapes
    )
    weights = {n: p.detach().clone().requires_grad_() for n, p in model.named_parameters()}

    def output(*tensors):
        inputs = {f"x{n}": x for n, x in enumerate(tensors[: len(values)])}
        own = dict(zip(weights, tensors[len(values) :], strict=True))
        return torch.func.functional_call(model, own, (inputs,))

    assert torch.autograd.gradcheck(output, (*values, *weights.values()))


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Einsum("ii,ij->j"), ParameterError, "equation: has a letter twice in 'ii'"),
        (lambda: Einsum("ij,jk->il"), ParameterError, "'l' of .* is in neither input"),
        (lambda: Concat(2000), ParameterError, "inputs: must be at most 1024, got 2000"),
        (lambda: Reshape((-1, -1)), ParameterError, "one of which may be -1"),
        (
            lambda: joined(Einsum("ik,kj->ij"), (2, 3), (4, 2)),
            ShapeError,
            "'k' of ik,kj->ij is 3 in one input, 4 in the other",
        ),
        (lambda: joined(Einsum("ik,kj->ij"), (2,), (4, 2)), ShapeError, "has not the axes"),
        (
            lambda: joined(Multiply("channel"), (3, 2, 2), (2,)),
            ShapeError,
            r"gate: must have shape \(3,\), one gate per channel of \(3, 2, 2\); receives \(2,\)",
        ),
        (
            lambda: joined(Concat(2), (3, 2), (3, 4)),
            ShapeError,
            r"s_in2: receives shape \(3, 4\), s_in1 receives \(3, 2\)",
        ),
        (lambda: joined(Reshape((4, -1)), (3, 2)), ShapeError, "has 6 values, which do not fill"),
        (lambda: joined(TemporalLinear(3), (3, 2)), ShapeError, r"put GlobalAvgPool\(\)"),
    ],
)
def test_what_does_not_fit_is_named(make, error: type[BidlError], text: str) -> None:
    with pytest.raises(error, match=text):
        make().build()
