"""The contract emulator beside the simulator: whole and split, exact and in fp16."""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import pytest
from cases import CASES, Case, inputs

from bidl_sim import Network, Simulator, netx
from bidl_sim.errors import FormatError, ParameterError
from bidl_sim.netx.emulator import (
    Compiled,
    EmulatedSession,
    Host,
    Lane,
    Numbers,
    cut,
    distances,
    emulated,
    run_grid,
    run_samples,
)
from bidl_sim.netx.step import step_graph
from bidl_sim.netx.verify import Row, verify_networks
from bidl_sim.processes import (
    LIF,
    Add,
    AvgPool2d,
    BatchNorm,
    Callback,
    Conv2d,
    Dense,
    Flatten,
    Input,
    LoihiRule,
    MaxPool2d,
    PairSTDP,
    Poisson,
    Sink,
    TimeMean,
    TimeSum,
)

NOT_SAID = (Callback, LoihiRule, PairSTDP, Poisson)
"""What has no plain operations."""

SAID = [case for case in CASES if not isinstance(case.make(), NOT_SAID)]
STEPS = 12


def simulated(net: Network, dtype: str = "float64") -> Simulator:
    return Simulator(net, engine="torch", schedule="timestep", dtype=dtype, kernels="eager")


@pytest.mark.parametrize("case", SAID, ids=lambda c: c.name)
def test_in_float64_outputs_and_states_are_those_of_the_simulator(case: Case, rng) -> None:
    net = case.network()
    values = inputs(net, rng, steps=STEPS)
    sim, session = simulated(net), EmulatedSession(net, Numbers("float64"), fold=False)
    wanted = sim.run(values, STEPS, progress=False)
    np.testing.assert_array_equal(session.run(values, STEPS), wanted)
    flags = {state.flag for state in session.graph.states}
    for path, state in sim.state_dict().items():
        if path in flags:  # sums may be rounded in another order
            found = session.read(path).reshape(state.shape)
            np.testing.assert_allclose(found, state, rtol=1e-12, atol=1e-12, err_msg=path)


def convolutional() -> Network:
    return Network.sequential(
        Input((2, 8, 8)),
        *(Conv2d(2, 6, 3, padding=1), BatchNorm(), LIF(alpha=0.9, v_th=0.3), AvgPool2d(2)),
        *(Conv2d(6, 8, 3, stride=2), LIF(alpha=0.8, v_th=0.2, reset="soft"), Flatten()),
        *(Dense(8, 3), TimeMean()),
    )


def residual() -> Network:
    """A connection that leads past two cuts, a delay over one, a loop between two."""
    net = Network()
    names = {
        "in": Input((2, 6, 6)),
        "first": Conv2d(2, 4, 3, padding=1),
        "one": LIF(alpha=0.8, v_th=0.3),
        "second": Conv2d(4, 4, 3, padding=1),
        "two": LIF(alpha=0.7, v_th=0.3),
        "back": Conv2d(4, 4, 1),
        "both": Add(),
        "three": LIF(alpha=0.6, v_th=0.4),
        "pool": MaxPool2d(2),
    }
    made = {name: net.add(process, name) for name, process in names.items()}
    line = ["in", "first", "one", "second", "two"]
    for a, b in pairwise(line):
        net.connect(made[a], made[b], delay=2 if b == "second" else 0)
    net.connect(made["two"], made["back"], delay=1)
    net.connect(made["back"], made["two"])
    for a, b in (("two", "both"), ("one", "both"), ("both", "three"), ("three", "pool")):
        net.connect(made[a], made[b])
    net.connect(made["three"], net.add(Sink(name="spikes")))
    return net


# -- split is whole ------------------------------------------------------------------------------

SPLIT = {
    "convolutional": (convolutional, [("lif1",), ("conv2d2", "lif2"), ("batchnorm1", "dense1")]),
    "residual": (residual, [("one",), ("first", "both"), ("one", "two", "three")]),
}


def events(net: Network, rng, batch: int, steps: int = STEPS) -> dict[str, np.ndarray]:
    """``(time, batch, *shape)``"""
    (name,) = net.build().inputs
    return {name: rng.poisson(0.6, (steps, batch, *net.build().main_signal(name).shape)) * 1.0}


def whole(net: Network, frames, batch: int, **options) -> dict[str, np.ndarray]:
    lane = Lane(Host().devices[0], Compiled(step_graph(net), batch, **options))
    return run_samples([lane], frames, len(next(iter(frames.values()))))


@pytest.mark.parametrize("order", [None, 0, 1])
@pytest.mark.parametrize("name", SPLIT)
def test_samples_on_several_devices_are_samples_on_one(name, order, rng) -> None:
    """To the bit, although the batches have other sizes."""
    net = SPLIT[name][0]()
    frames = events(net, rng, 28)
    wanted = whole(net, frames, 28)
    host = Host(devices=3, order=order)
    sizes = (14, 7, 4, 2, 1)
    devices = (host.devices[k] for k in (2, 0, 1, 1, 0))
    graph = step_graph(net)
    lanes = [Lane(d, Compiled(graph, n)) for d, n in zip(devices, sizes, strict=True)]
    for found in (run_samples(lanes, frames, STEPS) for _ in range(2)):  # each from the beginning
        assert found.keys() == wanted.keys()
        for output in wanted:
            assert len(np.unique(wanted[output])) > 1
            np.testing.assert_array_equal(found[output], wanted[output])


@pytest.mark.parametrize("slices", [1, 2, 5, STEPS + 1])
@pytest.mark.parametrize("name", SPLIT)
def test_time_slices_and_pieces_are_the_whole(name, slices, rng) -> None:
    """To the bit, with a device for each and in whatever order streams have their turn."""
    make, cuts = SPLIT[name]
    net = make()
    frames, graph = events(net, rng, 2), step_graph(net)
    wanted = whole(net, frames, 2, input_type="uint8")
    for order, after in enumerate([(), *cuts]):
        parts = cut(graph, *after)
        host = Host(devices=slices * len(parts), order=order)
        devices = iter(host.devices)
        grid = [
            [
                Lane(next(devices), Compiled(p, 2, input_type=None if k else "uint8"))
                for k, p in enumerate(parts)
            ]
            for _ in range(slices)
        ]
        for _ in range(2):
            found = run_grid(grid, frames, STEPS)
            for output in wanted:
                np.testing.assert_array_equal(found[output], wanted[output])


def test_what_travels_between_pieces_is_fp16() -> None:
    graph = step_graph(residual())
    first, second, third = cut(graph, "one", "both")
    assert list(first.outputs) == ["one.s_out.history", "one.s_out"]
    assert list(second.inputs) == list(first.outputs)
    assert list(third.inputs) == list(second.outputs) == ["both.s_in"]
    flags = [[state.flag for state in part.states] for part in (first, second, third)]
    assert [flag for part in flags for flag in part] == [state.flag for state in graph.states]
    for part in (first, second, third):
        assert {field.dtype for field in Compiled(part).inputs} == {np.dtype(np.float16)}


def test_cuts_that_cannot_be_are_refused() -> None:
    graph = step_graph(residual())
    with pytest.raises(FormatError, match=r"two\.s_out\.history: belongs to a loop"):
        cut(graph, "back")
    with pytest.raises(FormatError, match="pieces: must end in the order of execution"):
        cut(graph, "both", "one")
    for nobody in ("nobody", "pool"):
        with pytest.raises(FormatError, match=r"nobody: does no operation|must end in the order"):
            cut(graph, nobody)
    rows = [
        [Lane(Host().devices[0], Compiled(part)) for part in cut(graph, *at)]
        for at in (("one",), ())
    ]
    with pytest.raises(ParameterError, match="every time slice must have the same pieces"):
        run_grid(rows, {}, 3)


# -- fp16 ----------------------------------------------------------------------------------------


def test_a_distance_is_explained_by_the_process_that_adds_it() -> None:
    """0.1 + 0.2 is 1228 units of 2**-12 in fp16, as is the threshold, and 0.3 is 1229."""
    dense = Dense(2, 1, weight=[[0.1, 0.2]], bias=False)
    net = Network.sequential(Input(2), dense, LIF(alpha=0.5, v_th=0.2999))
    frames = np.ones((2, 4, 2))
    frames[:, 0] = 0
    found = distances(net, frames)
    rows = {row.path: row for row in found.rows}
    assert list(rows) == ["dense1.a_out", "lif1.v", "lif1.s_out"]
    sent, spikes = rows["dense1.a_out"], rows["lif1.s_out"]
    assert sent.largest == sent.own == pytest.approx(0.3 - 1228 * 2**-12)
    assert (sent.first, sent.differing, sent.values) == (None, 0, 8)
    assert (spikes.largest, spikes.own, spikes.first) == (1, 0, 1)
    assert spikes.differing == 4  # of two samples: fires in steps 2 only, not in 1, 2 and 3
    assert rows["lif1.v"].own < 2**-12 < rows["lif1.v"].largest
    assert "contract emulator, float16, not the chip" in str(found)
    lines = str(found).splitlines()
    assert lines[-1].split() == ["lif1.s_out", "1", "1", "0", "4", "50.00", "1"]


def test_a_distance_that_is_infinite_is_said() -> None:
    net = Network.sequential(Input(1), Dense(1, 1, weight=[[6e4]], bias=False), Dense(1, 1))
    row = distances(net, np.full((1, 2, 1), 2.0)).rows[0]
    assert (row.path, row.scale, row.largest, row.first) == ("dense1.a_out", 12e4, np.inf, 0)
    assert emulated(net, np.full((1, 2, 1), 2.0)) == np.inf


def test_nothing_differs_where_fp16_is_exact(rng) -> None:
    weights = rng.integers(-8, 16, (5, 4)) / 8
    net = Network.sequential(
        Input(4), Dense(4, 5, weight=weights, bias=False), LIF(alpha=1.0, v_th=0.75), TimeSum()
    )
    frames = rng.integers(0, 2, (3, 8, 4)) * 1.0
    assert emulated(net, frames) == 0
    assert all(
        (row.largest, row.own, row.first) == (0, 0, None) for row in distances(net, frames).rows
    )


def test_the_figure_of_a_network_is_its_largest_error(rng) -> None:
    net = convolutional()
    frames = rng.poisson(0.6, (5, STEPS, 2, 8, 8)) * 1.0
    error = emulated(net, frames)
    run = netx.Runtime(net, "lynxi-emulator").run(frames)
    wanted = np.abs(run.astype(float) - simulated(net, "float32").run(frames)).max()
    assert error == wanted > 0
    assert emulated(net, frames, Numbers("float32")) < 1e-5 < error
    wide, narrow = (emulated(net, frames, Numbers(accumulate=a)) for a in ("float64", "float16"))
    assert narrow > wide


def test_verify_shows_the_emulator_and_does_not_fail_for_it(monkeypatch) -> None:
    """A network that fp16 changes in half of its spikes; the other rows are not needed here."""
    monkeypatch.setattr(sys.modules[Row.__module__], "_runtimes", lambda *_: ())
    dense = Dense(2, 1, weight=[[0.1, 0.2]], bias=False)
    net = Network.sequential(Input(2), dense, LIF(alpha=0.5, v_th=0.2999))
    report = verify_networks("far", net, {}, np.ones((2, 4, 2)))
    row = report.rows[-1]
    assert (row.runtime, row.dtype, row.verdict, row.ok) == (
        "lynxi-emulator",
        "float16",
        "far",
        False,
    )
    assert report.ok
    assert "lynxi-emulator, float16: first difference at lif1.s_out, step 0" in str(report)
