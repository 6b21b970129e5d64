"""Lava's fixed-point synapses, step by step and exactly.

A Lava synapse sends what it summed up a step before: here a connection with delay 1.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from bidl_sim import Network, Simulator
from bidl_sim.errors import ParameterError
from bidl_sim.processes import Conv2d, Dense, Input, IntegerSum, Sparse
from bidl_sim.processes.synapses.integer_sum import integer_weights

ENGINES = pytest.mark.parametrize("engine", ["torch", "event"])
DENSE = [
    f"dense_fixed_{sign}_exp{exponent}_bits{bits}"
    for sign in ("mixed", "exc", "inh")
    for exponent, bits in ((0, 8), (2, 8), (-2, 6))
]


def read(folder, name: str):
    """Inputs and outputs with time first, and the constructor's arguments."""
    d = np.load(folder / "lava_procs" / f"{name}.npz")
    params = json.loads(str(d["meta_json"]))["params"]
    return np.moveaxis(d["in_s_in"], -1, 0), np.moveaxis(d["out"], -1, 0), params


def sent(engine: str, x, synapse, **of_the_sum):
    """What leaves Input -(delay 1)-> synapse -> IntegerSum."""
    net = Network()
    source, sums = Input(x.shape[1:]), IntegerSum(**of_the_sum)
    for process in (source, synapse, sums):
        net.add(process)
    net.connect(source, synapse, delay=1)
    net.connect(synapse, sums)
    return Simulator(net, engine=engine, dtype="float64").run(x.astype(float))


@ENGINES
@pytest.mark.parametrize("name", [*DENSE, "dense_fixed_graded"])
def test_dense(engine, name, lava_golden) -> None:
    x, wanted, params = read(lava_golden, name)
    weight = integer_weights(params["weights"], params.get("num_weight_bits", 8))
    dense = Dense(*weight.shape[::-1], weight=weight, bias=False)
    out = sent(engine, x, dense, exponent=params.get("weight_exp", 0))
    np.testing.assert_array_equal(out, wanted)


@ENGINES
def test_sparse(engine, lava_golden) -> None:
    from scipy.sparse import csr_matrix

    x, wanted, params = read(lava_golden, "sparse_fixed")
    sparse = Sparse.from_scipy(csr_matrix(integer_weights(params["weights"])))
    np.testing.assert_array_equal(sent(engine, x, sparse), wanted)


@ENGINES
@pytest.mark.parametrize("name", ["delaydense_fixed", "delaydense_fixed_graded"])
def test_dense_with_a_delay_for_each_synapse(engine, name, lava_golden) -> None:
    x, wanted, params = read(lava_golden, name)
    weight, delays = integer_weights(params["weights"]), np.array(params["delays"])
    by_source = {"weight": weight.T.ravel(), "delay": delays.T.ravel()}
    sparse = Sparse.all_to_all(*weight.shape[::-1], **by_source)
    np.testing.assert_array_equal(sent(engine, x, sparse), wanted)


@ENGINES
@pytest.mark.parametrize("kind", ["", "graded_"])
@pytest.mark.parametrize("case", range(3))
def test_convolution(engine, kind, case, lava_golden) -> None:
    """Lava has (width, height, channel) and turns its kernel around."""
    x, wanted, params = read(lava_golden, f"conv_fixed_{kind}{case}")
    weight = np.array(params["weight"])[:, ::-1, ::-1].transpose(0, 3, 2, 1)
    window = [tuple(params[name][::-1]) for name in ("stride", "padding", "dilation")]
    groups = params["groups"]
    sizes = (weight.shape[1] * groups, weight.shape[0], weight.shape[2:])
    conv = Conv2d(*sizes, *window, groups, weight=weight, bias=False)
    out = sent(engine, x.transpose(0, 3, 2, 1), conv, bits=24)
    np.testing.assert_array_equal(out.transpose(0, 3, 2, 1), wanted)


@ENGINES
def test_a_sum_wraps_around_and_is_cut_downwards(engine) -> None:
    one = Dense(1, 1, weight=[[1.0]], bias=False)
    values = np.array([2**23 - 1, 2**23, -(2**23), -(2**23) - 1, 3 * 2**24 + 5, 0])
    found = sent(engine, values[:, None], one, bits=24)[1:, 0]
    np.testing.assert_array_equal(found, [2**23 - 1, -(2**23), -(2**23), 2**23 - 1, 5])
    one = Dense(1, 1, weight=[[1.0]], bias=False)
    found = sent(engine, np.array([[5], [-5], [-4], [0]]), one, exponent=-2)[1:, 0]
    np.testing.assert_array_equal(found, [1, -2, -1])


def test_weights_are_cut_to_their_bits() -> None:
    np.testing.assert_array_equal(integer_weights([[-300, 7, 300]]), [[-256, 6, 254]])
    np.testing.assert_array_equal(integer_weights([[300, 7]], 6), [[252, 4]])
    np.testing.assert_array_equal(integer_weights([[-300, -7]], 6), [[-252, -4]])
    np.testing.assert_array_equal(integer_weights([[7, 9]], sign="mixed"), [[6, 8]])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(([[0.5]],), "weight"), (([[1]], 9), "bits"), (([[1]], 8, "?"), "sign")],
)
def test_what_makes_no_sense_is_refused(arguments, named) -> None:
    with pytest.raises(ParameterError, match=f"integer_weights, {named}"):
        integer_weights(*arguments)
