"""Does the comparison of two runs see what differs, and call rounding only what is?"""

from __future__ import annotations

import numpy as np
import pytest

from bidl_sim import Network, Simulator
from bidl_sim.errors import ShapeError
from bidl_sim.netx.compare import Trace, compare
from bidl_sim.netx.runs import SimulatedRun
from bidl_sim.netx.verify import verify_networks
from bidl_sim.processes import LIAF, LIF, Dense, Input, TimeMean

SPIKES = (np.random.default_rng(0).random((3, 6, 4)) < 0.3).astype(np.float32)
OUTPUT = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.4]], np.float32)


def trace(spikes=SPIKES, output=OUTPUT, **more) -> Trace:
    return Trace({"lif1.s_out": spikes.copy(), **more}, {"out": output.copy()}, 1.0)


def nothing_rounds(port, sample, step, which):
    return np.zeros(which.sum(), bool)


def everything_rounds(port, sample, step, which):
    return np.ones(which.sum(), bool)


def test_equal_runs_differ_in_nothing() -> None:
    found = compare(trace(), trace(), nothing_rounds)
    assert (found.spikes, found.differing, found.worst, found.classes) == (SPIKES.size, 0, 0, 0)
    assert found.explained


@pytest.mark.parametrize("where", [(0, 0, 0), (1, 3, 2), (2, 5, 3)])
def test_one_altered_spike_is_found_and_not_explained(where) -> None:
    altered = SPIKES.copy()
    altered[where] = 1 - altered[where]
    found = compare(trace(), trace(altered), nothing_rounds)
    assert found.differing == 1
    assert not found.explained
    assert found.first == f"lif1.s_out, step {where[1]}"
    assert compare(trace(), trace(altered), everything_rounds).explained


def test_with_coarser_numbers_nothing_is_excused_and_every_output_compared() -> None:
    altered, shifted = SPIKES.copy(), OUTPUT.copy()
    altered[1, 2, 0] = 1 - altered[1, 2, 0]
    shifted[1, 0] += 0.25
    one = trace(altered, shifted)
    found = compare(trace(), one, None)
    assert (found.differing, found.rounding, found.first) == (1, 0, "lif1.s_out, step 2")
    assert found.worst == pytest.approx(0.25)
    assert compare(trace(), one, everything_rounds).worst == 0


def test_what_follows_a_rounded_spike_is_explained() -> None:
    altered = SPIKES.copy()
    altered[1, 2, 0] = 1 - altered[1, 2, 0]
    altered[1, 4] = 1 - altered[1, 4]
    found = compare(trace(), trace(altered), everything_rounds)
    assert (found.differing, found.rounding, found.following) == (5, 1, 4)


def test_one_sample_in_rounding_does_not_excuse_another() -> None:
    altered = SPIKES.copy()
    altered[0, 1, 0] = 1 - altered[0, 1, 0]
    altered[2, 1, 0] = 1 - altered[2, 1, 0]

    def only_the_first(port, sample, step, which):
        return np.full(which.sum(), sample == 0)

    found = compare(trace(), trace(altered), only_the_first)
    assert (found.differing, found.rounding, found.explained) == (2, 1, False)


def test_outputs_are_compared_where_spikes_agree() -> None:
    shifted = OUTPUT.copy()
    shifted[1, 0] += 0.25
    assert compare(trace(), trace(output=shifted), nothing_rounds).worst == pytest.approx(0.25)
    shifted[1] = [0.2, 0.8]
    assert compare(trace(), trace(output=shifted), nothing_rounds).classes == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_an_infinite_difference(value) -> None:
    broken = OUTPUT.copy()
    broken[2, 1] = value
    for pair in ((OUTPUT, broken), (broken, OUTPUT), (broken, broken)):
        found = compare(*(trace(output=o) for o in pair), nothing_rounds)
        assert found.worst == np.inf
    analog = {"liaf1.s_out": np.full_like(SPIKES, value)}
    assert compare(trace(**analog), trace(**analog), nothing_rounds).worst == np.inf


def test_other_shapes_are_an_error() -> None:
    with pytest.raises(ShapeError, match=r"lif1\.s_out"):
        compare(trace(), trace(SPIKES[:1]), nothing_rounds)


def network(weight, output: str = "spike") -> Network:
    return Network.sequential(
        Input(3),
        Dense(3, 4, weight=weight, bias=False),
        LIF(alpha=0.9, output=output),
        Dense(4, 2, weight=np.full((2, 4), 0.1), bias=False),
        TimeMean(),
    )


@pytest.mark.parametrize("output", ["spike", "pre", "centered", "reset", "leaked"])
def test_verify_tells_a_changed_weight_in_every_row(output) -> None:
    weight = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    changed = weight.copy()
    changed[2, 1] += 0.05
    net = network(weight, output)
    report = verify_networks("net", net, {"other": network(changed, output)})
    rows = {(row.runtime, row.dtype): row for row in report.rows}
    assert not report.ok
    assert not rows["other", "float64"].ok
    assert not rows["other", "float32"].ok
    assert all(row.ok for (name, _), row in rows.items() if name != "other")


def test_an_analog_neuron_at_its_threshold_counts_as_rounding() -> None:
    """A spike that only resets is compared too: it decides which way the potential goes on."""
    weight = np.eye(4, 3, dtype=np.float32)
    nearly = weight.copy()
    nearly[0, 0] -= np.float32(3e-7)
    values = np.zeros((1, 5, 3))
    values[0, :, 0] = np.float32(0.5000001)
    net, other = network(weight, "centered"), network(nearly, "centered")
    report = verify_networks("net", net, {"other": other}, values)
    row = next(r for r in report.rows if (r.runtime, r.dtype) == ("other", "float32"))
    assert row.difference.rounding == 1
    assert row.difference.explained
    exact = next(r for r in report.rows if (r.runtime, r.dtype) == ("other", "float64"))
    assert not exact.ok


def test_a_probe_sees_the_spikes_of_analog_neurons() -> None:
    net = Network.sequential(Input(1), LIAF(alpha=0.5))
    sim = Simulator(net)
    fired = sim.probe("liaf1.fired")
    out = sim.run([[0.4], [0.4], [0.4]])
    assert fired.data.ravel().tolist() == [0, 1, 0]
    np.testing.assert_allclose(out.ravel(), [0.4, 0.6, 0.4], rtol=1e-6)
    assert SimulatedRun(net, "float32").circuit.processes["liaf1"].spikes == "fired"
