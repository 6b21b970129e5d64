"""Does tracing see what a step does, differentiate it, and refuse the rest by name?"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bidl_sim import Neuron, Param, State
from bidl_sim.core import intrinsics as f
from bidl_sim.core.trace.expression import const, in_order, symbol
from bidl_sim.core.trace.gradient import gradients
from bidl_sim.core.trace.lines import lines
from bidl_sim.core.trace.step import trace
from bidl_sim.engines.torch import TorchEngine  # registers the intrinsics of tensors
from bidl_sim.errors import ParameterError, TraceError
from bidl_sim.processes import LIF

assert TorchEngine


def evaluate(results, **values):
    """Run the lines that a kernel would run."""
    written = lines(results, {name: name for name in values})
    scope = {"F": np.float64, "math": math, "np": np, **values}
    with np.errstate(all="ignore"):
        exec("\n".join(written), scope)
    return {name: scope[name] for name in results}


SMOOTH = {
    "sum": lambda x, y: 2 * x + y - 3,
    "product": lambda x, y: x * y * x,
    "quotient": lambda x, y: x / (y * y + 1) + 1 / (x * x + 2),
    "negative": lambda x, y: -(x - y),
    "absolute": lambda x, y: abs(x) * y,
    "power": lambda x, y: (x * x + 1) ** 0.5 + y**3,
    "exp": lambda x, y: f.exp(x * 0.3) * y,
    "arctan": lambda x, y: f.arctan(x * y),
    "tanh": lambda x, y: f.tanh(x - y),
    "erf": lambda x, y: f.erf(x) * y,
    "maximum": lambda x, y: f.maximum(x, y) * x,
    "minimum": lambda x, y: f.minimum(y, x) - y,
    "clip": lambda x, y: f.clip(x * y, -0.5, 0.75),
    "where": lambda x, y: f.where(x > y, x * x, 3 * y),
    "detach": lambda x, y: f.detach(x) * x + y,
    "conversion": lambda x, y: (x > 0) * y + (y <= x) * x,
    "floor": lambda x, y: f.floor(3 * x) * y,
    "nearest": lambda x, y: f.nearest(4 * x) * y,
    "integer": lambda x, y: f.integer(50 * x) * y + (f.integer(-7 * y) >> 2),
    "straight_through": lambda x, y: f.straight_through(f.floor(3 * x), x * x) * y,
}

NUMBERS = st.floats(-3, 3, allow_nan=False).map(lambda x: round(x, 3))


@pytest.mark.parametrize("name", SMOOTH)
@given(x=NUMBERS, y=NUMBERS)
def test_values_and_gradients_are_those_of_torch(name, x, y) -> None:
    function = SMOOTH[name]
    a, b = symbol("a"), symbol("b")
    result = function(a, b)
    slopes = gradients([(result, const(1.0))], [a, b])
    found = evaluate({"r": result, "da": slopes["a"], "db": slopes["b"]}, a=x, b=y)
    tensors = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (x, y)]
    wanted = function(*tensors)
    wanted.backward()
    assert found["r"] == pytest.approx(wanted.item(), abs=1e-12)
    for name_, tensor in (("da", tensors[0]), ("db", tensors[1])):
        assert found[name_] == pytest.approx(tensor.grad.item() if tensor.grad is not None else 0)


@given(x=st.integers(-(2**40), 2**40), k=st.integers(0, 20))
def test_integers_shift_and_wrap_to_the_bit(x, k) -> None:
    a = symbol("a", "int")
    result = {"right": a >> k, "wrapped": ((a + 128) & 255) - 128, "left": (a & 1023) << k}
    found = evaluate(result, a=x)
    t = torch.tensor(x)
    assert found["right"] == int(t >> k)
    assert found["wrapped"] == int(((t + 128) & 255) - 128)
    assert found["left"] == int((t & 1023) << k)
    assert all(node.kind == "int" for node in result.values())


@pytest.mark.parametrize("x", [-1.0, 0.5, 2.0])
def test_two_truth_values_combine_as_torch_has_it(x) -> None:
    def combined(x):
        low, high = x > 0, x > 1
        return [low + high, low * high, f.maximum(low, high), f.minimum(low, high)]

    results = dict(zip("abcd", combined(symbol("x")), strict=True))
    assert all(node.kind == "bool" for node in results.values())
    found = evaluate(results, x=x)
    assert [*found.values()] == [bool(v) for v in combined(torch.tensor(x))]


def test_equal_operations_are_done_once() -> None:
    a, b = symbol("a"), symbol("b")
    written = lines({"r": (a * b) + (a * b) * (a * b)}, {"a": "a", "b": "b"})
    assert sum("a * b" in line for line in written) == 1


def test_multiplying_by_one_and_adding_zero_leave_no_trace() -> None:
    a = symbol("a")
    assert (1.0 * a + 0.0) / 1.0 is a
    assert in_order([a - 0]) == [a]


def test_numbers_of_numpy_and_torch_are_plain_numbers() -> None:
    a = symbol("a")
    for number in (np.float64(0.5), np.array(0.5), torch.tensor(0.5)):
        assert evaluate({"r": a * number - number}, a=3.0)["r"] == 1.0
    assert evaluate({"r": np.float64(0.5) * a}, a=3.0)["r"] == 1.5


def test_a_trace_names_its_parts() -> None:
    step = trace(LIF(n=3, reset="soft"))
    assert list(step.inputs) == ["a_in"]
    assert list(step.states) == ["v"]
    assert list(step.parameters) == ["alpha", "beta", "v_th"]  # v_reset has no effect
    assert list(step.outputs) == ["s_out"]


class TraceBranching(Neuron):
    v = State(0.0)

    def step(self, a_in, v, fire):
        u = v + a_in
        if u > 1:
            u = u * 0
        return fire(u), u


class TraceSumming(Neuron):
    def step(self, a_in, fire):
        return fire(a_in - a_in.mean())


class TraceTorch(Neuron):
    def step(self, a_in, fire):
        return fire(torch.relu(a_in))


class TraceNumpy(Neuron):
    def step(self, a_in, fire):
        return fire(np.sin(a_in))


class TraceNoise(Neuron):
    def step(self, a_in, uniform, fire):
        return fire(a_in + uniform)


class TraceFloatAsInt(Neuron):
    v = State(0, dtype="int")

    def step(self, a_in, v, fire):
        return fire(a_in), v + a_in


class TraceShiftedFloat(Neuron):
    tau: Param = Param(2.0)

    def step(self, a_in, tau, fire):
        return fire(a_in >> 2)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (TraceBranching, "if: a step cannot branch on a value; use where"),
        (TraceSumming, r"\.mean: is no operation of a traced step"),
        (TraceTorch, r"torch\.relu: is no operation"),
        (TraceNumpy, r"numpy\.sin: is no operation"),
        (TraceNoise, "it takes 'uniform'"),
        (TraceFloatAsInt, "v is declared as int, the step returns a float"),
        (TraceShiftedFloat, ">>: takes integers"),
    ],
)
def test_what_cannot_be_traced_is_named_with_the_way_out(kind, text) -> None:
    with pytest.raises(TraceError, match=f"step: cannot be traced: .*{text}.*torch engine"):
        trace(kind(4))


def test_an_unknown_source_is_named() -> None:
    with pytest.raises(ParameterError, match="has: numba-forward, triton-forward, "):
        LIF(n=1).source("fortran")
