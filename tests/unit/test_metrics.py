"""Work counted by the library equals work counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bidl_sim import Network, Simulator
from bidl_sim.metrics import Work, Workload
from bidl_sim.processes import (
    LIAF,
    LIF,
    AvgPool2d,
    Conv2d,
    Dense,
    Flatten,
    Input,
    Sparse,
    TimeMean,
)


def run(net: Network, x, **options) -> Workload:
    sim = Simulator(net, **options)
    work = Workload(sim)
    sim.run(x, progress=False)
    return work


def test_dense_by_hand() -> None:
    weight = np.ones((5, 9))
    weight[:2, 4] = 0.0  # input 4 drives three
    net = Network.sequential(
        Input((1, 3, 3)), Flatten(), Dense(9, 5, weight=weight), LIF(v_th=99.0), Dense(5, 2)
    )
    x = np.zeros((2, 4, 1, 3, 3))
    x[0, 1, 0, 1, 1] = 1.0  # once to three
    x[1, :, 0, 0, 0] = -1.0  # four times to five
    works = run(net, x).processes
    first = works["dense1"]
    assert (first.acs, first.macs) == ((3 + 4 * 5) / 2, 0)
    assert first.dense == 4 * 9 * 5
    assert first.connection_sparsity == pytest.approx(2 / 45)
    assert first.parameter_bytes == 4 * (45 + 5)
    assert works["dense2"].synaptic_operations == 0  # no spike reaches it
    assert works["dense2"].dense == 4 * 5 * 2
    assert works["lif1"].activation_sparsity == 1
    assert works["lif1"].state_bytes == 4 * 5


def test_values_that_are_no_spikes_are_multiplied() -> None:
    net = Network.sequential(Input(3), Dense(3, 2))
    x = np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.0]])
    work = run(net, x).total
    assert (work.macs, work.acs) == (4, 0)
    assert run(net, 2 * (x > 0)).total.macs == 4
    assert run(net, np.sign(x)).total.acs == 4


@pytest.mark.parametrize("engine", ["torch", "event"])
def test_convolution_with_stride_padding_and_groups(engine, rng) -> None:
    """Against multiplying a value by a weight, one by one."""
    kernel, stride, padding, groups = (3, 2), 2, (1, 0), 2
    weight = rng.normal(size=(4, 1, *kernel)) * (rng.random((4, 1, *kernel)) < 0.6)
    net = Network.sequential(
        Input((2, 5, 6)),
        Conv2d(2, 4, kernel, stride, padding, groups=groups, weight=weight, bias=False),
    )
    x = (rng.random((2, 3, 2, 5, 6)) < 0.4).astype(float)
    padded = np.pad(x, ((0, 0), (0, 0), (0, 0), (1, 1), (0, 0)))
    inside = np.pad(np.ones((5, 6)), ((1, 1), (0, 0)))
    needed = dense = 0
    for out in range(4):
        for row in range(3):
            for column in range(3):
                at = (slice(2 * row, 2 * row + 3), slice(2 * column, 2 * column + 2))
                needed += (padded[:, :, out // 2, at[0], at[1]] * (weight[out, 0] != 0)).sum()
                dense += inside[at].sum()
    work = run(net, x, engine=engine).processes["conv2d1"]
    assert work.acs == needed / 2
    assert work.dense == 3 * dense
    assert work.weights == 4 * 6
    assert work.nonzero_weights == np.count_nonzero(weight)


def test_a_pool_has_no_weights_but_makes_spikes_analog() -> None:
    net = Network.sequential(Input((1, 4, 4)), AvgPool2d(2), Flatten(), Dense(4, 3))
    x = np.zeros((1, 1, 4, 4))
    x[0, 0, :2, :2] = 1.0
    works = run(net, x).processes
    assert works["avgpool2d1"] == Work()
    assert (works["dense1"].macs, works["dense1"].acs) == (0, 3)  # one mean, which is 1
    x[0, 0, 0, 0] = 0.0
    works = run(net, x).processes
    assert (works["dense1"].macs, works["dense1"].acs) == (3, 0)  # now 3/4


def test_a_masked_and_quantised_weight_counts_as_it_is_used() -> None:
    weight, mask = [[0.01, 0.5], [0.5, 0.5]], [[1, 1], [0, 1]]  # 0.01 is 0 on a grid of 1/32
    net = Network.sequential(Input(2), Dense(2, 2, weight=weight, mask=mask, quantize=(64, 8)))
    work = run(net, np.ones((3, 2))).processes["dense1"]
    assert (work.acs, work.dense) == (3 * 2, 3 * 3)
    assert work.connection_sparsity == 0.5


@pytest.mark.parametrize("engine", ["torch", "event"])
def test_sparse_with_delays(engine) -> None:
    synapses = Sparse.from_pairs(
        4, 3, [0, 0, 1, 3], [0, 1, 1, 2], weight=[1.0, 0.0, 2.0, 3.0], delay=[0, 1, 2, 0]
    )
    net = Network.sequential(Input(4), synapses)
    x = np.zeros((5, 4))
    x[0, 0] = x[1, 1] = x[4, 1] = x[2, 2] = 1.0
    work = run(net, x, engine=engine).processes["sparse1"]
    assert work.acs == 1 + 1 + 1 + 0  # a zero weight and an absent synapse cost nothing
    assert work.dense == 5 * 4
    assert work.connection_sparsity == 1 - 3 / 12
    assert work.state_bytes == 4 * 2 * 3  # what is pending: two steps, three targets
    assert work.parameter_bytes == 4 * 4 + 8 * (5 + 4 + 4)


@pytest.mark.parametrize("engine", ["torch", "event"])
def test_a_recurrent_connection_with_delay(engine) -> None:
    """One neuron that fires in every step; each spike costs the synapse back to it."""
    net = Network()
    source, cell = net.add(Input(1)), net.add(LIF(n=1, v_th=0.5))
    back = net.add(Dense(1, 1, weight=[[0.1]], bias=False))
    net.connect(source, cell)
    net.connect(cell, back, delay=2)
    net.connect(back, cell)
    works = run(net, np.ones((6, 1)), engine=engine).processes
    assert works["dense1"].acs == 6
    assert works["dense1"].dense == 6
    assert works["lif1"].event_rate == 1
    assert works["lif1"].state_bytes == 4 * (1 + 2)  # v, and two spikes on their way


@pytest.mark.parametrize("engine", ["torch", "event"])
def test_two_senders_cost_their_operations_each(engine) -> None:
    net = Network()
    one, two = net.add(Input(2)), net.add(Input(2))
    first, second = net.add(LIF(v_th=0.5)), net.add(LIF(v_th=0.5))
    target = net.add(Dense(2, 3))
    for source, population in ((one, first), (two, second)):
        net.connect(source, population)
        net.connect(population, target)
    x = np.array([[1.0, 0.0], [1.0, 1.0]])
    work = run(net, {"input1": x, "input2": x}, engine=engine).processes["dense1"]
    assert (work.acs, work.macs, work.dense) == (2 * 3 * 3, 0, 2 * 2 * 3)
    assert np.isclose(work.connection_sparsity, 0)


@pytest.mark.parametrize("engine", ["torch", "event"])
def test_a_map_after_a_map_receives_analog_values(engine) -> None:
    inner = Dense(2, 2, weight=[[0.5, 0.0], [0.0, 0.0]], bias=False)
    net = Network.sequential(Input(2), inner, Dense(2, 3))
    works = run(net, np.ones((4, 2)), engine=engine).processes
    assert (works["dense1"].acs, works["dense1"].dense) == (4, 16)
    assert (works["dense2"].macs, works["dense2"].dense) == (12, 24)


@pytest.mark.parametrize("engine", ["torch", "event"])
def test_membrane_updates_are_changes_of_the_potential(engine) -> None:
    net = Network.sequential(Input(2), LIF(alpha=1.0, v_th=0.5, initial={"v": [0.2, 0.0]}))
    x = np.array([[0.0, 0.1], [0.0, 0.0], [0.3, 0.9], [0.1, 0.0]])
    work = run(net, x, engine=engine).processes["lif1"]  # v: .2 .2 .5 .1 -> 0 and .1 .1 0 0
    assert work.membrane_updates == 4
    assert work.events == 2
    assert work.activation_sparsity == 1 - 2 / 8


def test_analog_output_counts_as_activation() -> None:
    net = Network.sequential(Input(2), LIAF(alpha=0.0, v_th=9.0))
    work = run(net, np.array([[0.1, 0.0], [0.2, -0.3]])).processes["liaf1"]
    assert work.events == 2


def test_what_follows_an_aggregation_works_once() -> None:
    net = Network.sequential(Input(2), TimeMean(), Dense(2, 3))
    sim = Simulator(net)
    work = Workload(sim)
    for _ in range(2):
        sim.run(np.ones((4, 5, 2)), progress=False)
    assert (work.total.acs, work.total.dense) == (6, 6)


def test_pieces_and_runs_add_up(rng) -> None:
    net = Network.sequential(Input(6), Dense(6, 8), LIF(alpha=0.8, v_th=0.3), Dense(8, 2))
    x = (rng.random((4, 10, 6)) < 0.5).astype(float)
    whole = run(net, x)
    sim = Simulator(net)
    pieces = Workload(sim)
    for part in (slice(0, 1), slice(1, 4)):
        sim.reset()
        sim.run(x[part, :3], progress=False)
        sim.run(x[part, 3:], progress=False)
    assert pieces.processes == whole.processes
    alone = [run(net, sample).total for sample in x]
    assert whole.total.acs == pytest.approx(sum(w.acs for w in alone) / 4)
    assert whole.total.membrane_updates == sum(w.membrane_updates for w in alone) / 4


def test_a_workload_under_neurobench_s_names() -> None:
    work = run(Network.sequential(Input(2), Dense(2, 3), LIF()), np.ones((5, 2)))
    found = work.as_dict()
    assert set(found) == {
        "footprint", "connection_sparsity", "activation_sparsity", "synaptic_operations",
        "membrane_updates", "processes",
    }  # fmt: skip
    assert found["synaptic_operations"] == {
        "Effective_MACs": 0.0, "Effective_ACs": 30.0, "Dense": 30.0
    }  # fmt: skip
    assert found["footprint"] == 4 * (6 + 3 + 4 + 3)  # weights, bias, parameters of LIF, potential
    assert found["processes"]["input1"]["activation_sparsity"] is None
    lines = str(work).splitlines()
    assert [line.split()[0] for line in lines[2:-2]] == ["dense1", "lif1"]
    assert lines[-1].split()[0] == "total"


def test_before_a_run_only_memory_is_known() -> None:
    work = Workload(Simulator(Network.sequential(Input(2), Dense(2, 3), LIF()), dtype="float64"))
    assert work.total.footprint == 8 * 16
    assert work.total.dense == 0
    assert work.total.activation_sparsity is None
    assert work.total.event_rate is None
