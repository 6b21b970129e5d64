"""Does the contract emulator round where fp16 rounds?"""

from __future__ import annotations

import numpy as np
import pytest
from fp16_vectors import BY_VALUE, RESET_WITH_DECAY, SUMS, TO_UINT8

from bidl_sim import Network
from bidl_sim.errors import FormatError, ParameterError
from bidl_sim.netx.emulator import Compiled, EmulatedSession, Numbers
from bidl_sim.netx.emulator.compiled import cast
from bidl_sim.netx.emulator.operations import compute
from bidl_sim.netx.step import Node, Tensor, step_graph
from bidl_sim.processes import LIF, Dense, Input


def result(op: str, operands, numbers: Numbers, **said):
    values = [np.array(x, np.float64).astype(numbers.float) for x in operands]
    node = Node(op, "p", (), Tensor("p.1", (), "float"), said)
    with np.errstate(all="ignore"):
        return compute(numbers, node, values)


@pytest.mark.parametrize(("op", "operands", "wanted", "reason"), BY_VALUE)
def test_an_operation_is_rounded(op, operands, wanted, reason) -> None:
    found = result(op, operands, Numbers())
    assert found.dtype == np.float16
    assert found == wanted, reason


@pytest.mark.parametrize(("parts", "wide", "narrow", "reason"), SUMS)
def test_a_sum_is_rounded_at_its_end_or_each_time(parts, wide, narrow, reason) -> None:
    """Of a dense layer, over an axis, of a product of matrices, of a convolution."""
    for accumulate, wanted in (("float32", wide), ("float16", narrow)):
        numbers = Numbers(accumulate=accumulate)
        row, ones = np.array([parts]), np.ones((1, len(parts)))
        image = row.reshape(1, 1, 1, -1)
        window = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
        found = [
            result("linear", (ones, row), numbers),
            result("linear", (row, ones), numbers),
            result("sum", (row,), numbers, axes=(0,)),
            result("einsum", (row, ones), numbers, equation="a,a->"),
        ]
        node = Node("conv", "p", (), Tensor("p.1", (1, 1, 1), "float"), window)
        values = [x.astype(np.float16) for x in (image, np.ones_like(image))]
        with np.errstate(all="ignore"):
            found.append(compute(numbers, node, values))
        assert [x.item() for x in found] == [wanted] * 5, reason


@pytest.mark.parametrize(("operands", "wanted", "in_window", "reason"), RESET_WITH_DECAY)
def test_reset_with_decay(operands, wanted, in_window, reason) -> None:
    assert result("reset_with_decay", operands, Numbers()) == wanted, reason
    assert result("reset_with_decay", operands, Numbers(pfit_window=True)) == in_window, reason


@pytest.mark.parametrize(("value", "wanted"), TO_UINT8)
def test_an_input_of_uint8_wraps(value, wanted) -> None:
    assert cast(np.array([value], float), np.dtype(np.uint8)) == [wanted]
    net = Network.sequential(Input(1), Dense(1, 1, weight=[[1.0]], bias=False))
    assert EmulatedSession(net, input_type="uint8").step(np.array([value])) == [wanted]


def test_an_input_is_rounded_to_the_nearest() -> None:
    given = np.array([2049.0, 2051.0, 1e6, 1e-9])
    np.testing.assert_array_equal(cast(given, np.dtype(np.float16)), [2048, 2052, np.inf, 0])


def test_float64_adds_in_float64_and_float32_never_in_less() -> None:
    parts = np.array([[2.0**24, 1.0]])
    for dtype, wanted in (("float64", 2.0**24 + 1), ("float32", 2.0**24)):
        numbers = Numbers(dtype, "float16")
        assert numbers.wide == np.dtype(dtype)
        assert result("linear", (parts, np.ones((1, 2))), numbers) == wanted


def test_what_the_format_cannot_hold_is_refused() -> None:
    net = Network.sequential(Input(2), LIF(v_th=1e5))
    with pytest.raises(FormatError, match=r"lif1\.v_th: holds numbers that float16 cannot.*100000"):
        Compiled(step_graph(net))
    late = Network.sequential(Input(2), LIF(initial={"v": 1e6}))
    with pytest.raises(FormatError, match=r"lif1\.v: holds numbers that float16 cannot"):
        EmulatedSession(late)
    assert Compiled(step_graph(net), numbers=Numbers("float32")).numbers.float == np.float32


@pytest.mark.parametrize("name", ["dtype", "accumulate"])
def test_an_unknown_format_is_refused(name) -> None:
    with pytest.raises(ParameterError, match=rf"emulator, {name}: must be one of .*got 'int8'"):
        Numbers(**{name: "int8"})
