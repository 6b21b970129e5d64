"""The event engine against the torch engine: the same spikes, states and random numbers."""

from __future__ import annotations

import numpy as np
import pytest
from cases import CASES, Case, inputs

from bidl_sim import Network, Neuron, Simulator
from bidl_sim.engines.event import engine as event_engine
from bidl_sim.engines.event import recording
from bidl_sim.engines.event.loop import Loop
from bidl_sim.errors import ParameterError, StateError
from bidl_sim.processes import (
    LIF,
    Add,
    ArraySource,
    Callback,
    ConductanceLIF,
    Conv2d,
    CurrentLIF,
    DeltaLIF,
    Dense,
    Flatten,
    Input,
    LastStep,
    MaxPool2d,
    Poisson,
    Sink,
    Sparse,
    SpikeSource,
    TimeMean,
    TimeSum,
)
from bidl_sim.processes.synapses.distributions import Normal, Steps


def runs(case: Case) -> bool:
    try:
        Simulator(case.network(), engine="event")
    except StateError:
        return False
    return True


HERE = [case for case in CASES if runs(case)]


def both(net: Network, values=None, steps=None, probes=(), pieces=1, **options):
    """Outputs and probes of both engines."""
    found = []
    circuit = net.build()
    for engine in ("torch", "event"):
        sim = Simulator(net, engine=engine, dtype="float64", **options)
        watched = [sim.probe(path) for path in probes]
        if values is None:
            out = sim.run(steps=steps, progress=False)
        else:
            time = np.ndim(values) - len(circuit.main_signal(circuit.inputs[0]).shape) - 1
            out = [sim.run(v, progress=False) for v in np.array_split(values, pieces, time)][-1]
        found.append([] if out is None else [out])
        found[-1] += [probe.data for probe in watched]
    return found


def same(found) -> None:
    torch_engine, event_engine = found
    for one, two in zip(torch_engine, event_engine, strict=True):
        assert np.shape(one) == np.shape(two)
        assert one.dtype == two.dtype
        np.testing.assert_allclose(two, one, atol=1e-10)  # sums of inputs in another order


def test_what_it_runs() -> None:
    """Every process of the library."""
    names = {type(case.make()).__name__ for case in HERE}
    assert names >= {
        "Activation", "Add", "ArraySource", "AvgPool2d", "BatchNorm", "Callback", "Concat",
        "ConductanceLIF", "Conv2d", "CurrentLIF", "DeltaLIF", "Dense", "Dropout", "Einsum",
        "ElectricalLIAF", "Flatten", "GlobalAvgPool", "Input", "LIAF", "LIF", "LIFPlus", "LastStep",
        "MaxPool2d", "Multiply", "Poisson", "Reshape", "Sink", "Sparse", "SpikeSource", "SumPool2d",
        "TemporalLinear", "TimeMean", "TimeSum",
    }  # fmt: skip


@pytest.mark.parametrize("case", HERE, ids=lambda c: c.name)
def test_it_equals_the_torch_engine(case: Case, rng) -> None:
    net = case.network()
    values = inputs(net, rng)
    circuit = net.build()
    ends = [p for p, process in circuit.processes.items() if isinstance(process, LIF)]
    probes = [f"{p}.{member}" for p in ends for member in ("s_out", "v", "a_in")]
    same(both(net, values, None if values is not None else 12, probes))


def recurrent(delays=(1, 3), seed: int = 4) -> Network:
    """Excitation and inhibition with Poisson input, three kinds of synapses."""
    exc, inh = LIF(n=40, alpha=0.9, name="exc"), LIF(n=10, alpha=0.8, reset="soft", name="inh")
    noise = Poisson(40, rate=0.2, name="noise")
    net = Network(seed=seed)
    for process in (noise, exc, inh):
        net.add(process)
    noise.s_out.connect(net.add(Sparse.one_to_one(40, 40, weight=0.4)).s_in)
    net.processes["sparse1"].a_out.connect(exc.a_in)
    for source, target, weight, delay in (
        (exc, exc, Normal(0.1, 0.05), Steps(0, 4)),
        (exc, inh, 0.1, 2),
        (inh, exc, Normal(-0.2, 0.1), 0),
    ):
        synapse = net.add(
            Sparse.fixed_probability(source, target, 0.3, weight=weight, delay=delay, seed=seed)
        )
        source.s_out.connect(synapse.s_in, delay=delays[0])
        synapse.a_out.connect(target.a_in, delay=delays[1])
    dense = net.add(Dense(10, 10, bias=True))
    inh.s_out.connect(dense.s_in, delay=1)
    dense.a_out.connect(inh.a_in)
    return net


@pytest.mark.parametrize("delays", [(1, 3), (0, 1), (2, 0)])
def test_recurrent_networks_with_delays_and_noise(delays) -> None:
    probes = ("exc.s_out", "exc.v", "inh.s_out", "inh.a_in", "noise.s_out")
    found = both(recurrent(delays), steps=80, probes=probes)
    assert found[0][0].sum() > 100
    same(found)


def test_a_run_in_pieces_a_restore_and_single_steps() -> None:
    net = recurrent()
    whole = Simulator(net, engine="event", dtype="float64")
    probe = whole.probe("exc.s_out")
    whole.run(steps=60)
    parts = Simulator(net, engine="event", dtype="float64")
    parts.run(steps=17)
    saved = parts.state_dict()
    again = Simulator(net, engine="event", dtype="float64")
    again.load_state_dict(saved)
    seen = again.probe("exc.s_out")
    again.run(steps=20)
    for _ in range(23):
        again.step()
    np.testing.assert_array_equal(seen.data, probe.data[17:])


def closed(every=(1, 1), seen=None) -> Network:
    """A recurrent network in two loops through Python code, one inside the other."""

    def world(t, spikes):
        if seen is not None:
            seen.append((t, spikes.copy()))
        return 0.1 * np.cos(t) + 0.05 * spikes

    net = recurrent()
    for name, size, often, delays in (("exc", 40, every[0], (1, 0)), ("inh", 10, every[1], (0, 2))):
        cells = net.processes[name]
        loop = net.add(Callback(world, size, every=often), f"{name}_world")
        cells.s_out.connect(loop.s_in, delay=delays[0])
        loop.a_out.connect(cells.a_in, delay=delays[1])
    return net


@pytest.mark.parametrize("every", [(1, 1), (3, 1), (4, 6), (50, 7)])
def test_loops_through_python_code_in_random_pieces(every, rng, monkeypatch) -> None:
    monkeypatch.setattr(recording, "ROOM", 1)  # the loop is left for events, too
    whole: list = []
    one = Simulator(closed(every, whole), engine="torch", schedule="timestep", dtype="float64")
    paths = ("exc.s_out", "exc.v", "exc_world.a_out", "inh_world.s_in", "inh_world.total")
    wanted = [one.probe(path) for path in paths]
    one.run(steps=90)
    assert wanted[0].data.sum() > 100
    parts: list = []
    two = Simulator(closed(every, parts), engine="event", dtype="float64")
    found = [two.probe(path) for path in paths]
    for steps in np.diff([0, *sorted(rng.choice(np.arange(1, 90), 7, replace=False)), 90]):
        two.run(steps=int(steps))
    same([[probe.data for probe in probes] for probes in (wanted, found)])
    for (t, spikes), (t_too, spikes_too) in zip(whole, parts, strict=True):
        assert t == t_too
        np.testing.assert_array_equal(spikes, spikes_too)


def test_a_loop_through_python_code_goes_on_where_it_was_saved() -> None:
    whole = Simulator(closed((4, 6)), engine="event", dtype="float64")
    probe = whole.probe("exc.s_out")
    whole.run(steps=60)
    parts = Simulator(closed((4, 6)), engine="event", dtype="float64")
    parts.run(steps=18)
    again = Simulator(closed((4, 6)), engine="event", dtype="float64")
    again.load_state_dict(parts.state_dict())
    seen = again.probe("exc.s_out")
    again.run(steps=42)
    np.testing.assert_array_equal(seen.data, probe.data[18:])
    whole.reset()
    whole.run(steps=60)
    np.testing.assert_array_equal(probe.data[18:], seen.data)


@pytest.mark.parametrize("recorded", [(), ("exc.s_out", "exc_world.a_out")])
def test_the_loop_is_left_only_when_a_call_is_due(recorded, monkeypatch) -> None:
    left = []
    compiled = Loop.function

    def function(loop):
        def counted(*arguments):
            left.append(arguments[0])
            return compiled.fget(loop)(*arguments)

        return counted

    monkeypatch.setattr(Loop, "function", property(function))
    sim = Simulator(closed((100, 250)), engine="event")
    for path in recorded:
        sim.probe(path)
    sim.run(steps=1000)
    assert len(left) == 1 + 1000 // 100 + 1000 // 250


def test_the_largest_of_a_window(rng) -> None:
    net = Network.sequential(
        Input((2, 9, 9)),
        Conv2d(2, 3, 3),
        LIF(alpha=0.7),
        MaxPool2d(3, stride=2, padding=1),
        Flatten(),
        Dense(48, 5),
        LIF(),
    )
    values = rng.normal(0.3, 1, (2, 15, 2, 9, 9))
    found = both(net, values, probes=("maxpool2d1.s_in", "maxpool2d1.a_out", "lif2.s_out"))
    assert 0 < found[0][2].mean() < 1
    same(found)
    same(both(net, values, pieces=4))
    late = Network()
    source, pool = late.add(Input((2, 9, 9))), late.add(MaxPool2d(2, name="pool"))
    late.connect(source, pool, delay=2)
    same(both(late, -abs(values), pieces=3))


@pytest.mark.parametrize("kind", [CurrentLIF, ConductanceLIF])
@pytest.mark.parametrize("method", ["first", "euler"])
def test_neurons_with_two_kinds_of_synapses(kind, method) -> None:
    options = {} if method == "first" else {"method": "euler"}
    scale = 3.0 if kind is CurrentLIF else 0.3
    cells = kind(n=12, dt=0.5, v_th=-54.0, name="cells", **options)
    net = Network()
    for name, port, weight, rate in (
        ("exciting", cells.e_in, scale, 0.3),
        ("inhibiting", cells.i_in, -scale if kind is CurrentLIF else scale, 0.1),
    ):
        source = net.add(Poisson(20, rate=rate, name=name))
        synapse = net.add(Sparse.fixed_in_degree(20, 12, 5, weight=weight, seed=len(name)))
        if cells.name not in net.processes:
            net.add(cells)
        source.s_out.connect(synapse.s_in)
        synapse.a_out.connect(port, delay=1)
    found = both(net, steps=300, probes=("cells.s_out", "cells.v", "cells.g_e", "cells.g_i"))
    assert found[0][0].sum() > 5
    same(found)


def test_jumps_and_counts() -> None:
    cells = DeltaLIF(n=30, initial={"v": np.linspace(10, 19, 30)}, name="cells")
    Poisson(30, rate=2.0, counts=True, size=0.4, name="drive").s_out.connect(cells.a_in)
    found = both(Network.of(cells), steps=400, probes=("cells.s_out", "cells.v", "drive.s_out"))
    assert found[0][0].sum() > 20
    same(found)
    drive = found[0][3] / 0.4
    assert drive.mean() == pytest.approx(2.0, abs=5 * np.sqrt(2 / drive.size))
    assert drive.var() == pytest.approx(2.0, rel=0.1)


def test_all_sources_sinks_and_sums(rng) -> None:
    played = ArraySource(rng.normal(size=(20, 6)), name="played")
    spikes = SpikeSource(6, [0, 3, 3, 7], [1, 0, 0, 5], name="spikes")
    total, cells = Add(name="total"), LIF(6, alpha=0.5, name="cells")
    played.s_out.connect(next(iter(total.in_ports.values())))
    spikes.s_out.connect(list(total.in_ports.values())[-1], delay=2)
    next(iter(total.out_ports.values())).connect(cells.a_in)
    for end in (TimeMean(), TimeSum(), LastStep()):
        cells.s_out.connect(end.s_in)
    net = Network.of(cells)
    found = []
    for engine in ("torch", "event"):
        found.append(Simulator(net, engine=engine, dtype="float64").run(steps=20, progress=False))
    assert set(found[0]) == set(found[1])
    for name, value in found[0].items():
        np.testing.assert_allclose(found[1][name], value, atol=1e-12)
    cells.s_out.connect(Sink(name="kept").a_in)
    same(both(Network.of(cells), steps=20))


def test_delayed_values_are_recorded_where_they_arrive() -> None:
    synapse = Sparse.all_to_all(3, 2, delay=Steps(1, 4))
    net = Network.sequential(Input(3), synapse, LIF(2))
    values = np.random.default_rng(0).normal(0.5, 1, (20, 3))
    same(both(net, values, probes=("lif1.a_in", "lif1.v")))
    sim = Simulator(net, engine="event")
    sim.probe("sparse1.a_out")
    with pytest.raises(StateError, match="record the port they arrive at"):
        sim.run(values)
    synapse = Sparse.all_to_all(3, 2, delay=Steps(1, 4))
    same(both(Network.sequential(Input(3), synapse), values, pieces=3))


def test_batches_maps_after_maps_and_probes_between(rng) -> None:
    net = Network.sequential(
        Input(8), Dense(8, 10), Dense(10, 6, bias=False), LIF(alpha=0.7), Dense(6, 3), TimeMean()
    )
    values = rng.normal(0, 1, (3, 25, 8))
    same(both(net, values, probes=("dense1.a_out", "dense2.s_in", "lif1.s_out", "dense3.a_out")))
    same(both(net, values, pieces=4))
    single = both(net, values[0], probes=("lif1.v",))
    assert single[1][0].shape == (3,)
    same(single)


@pytest.mark.parametrize("updates", [event_engine.UPDATES, 2000])
def test_samples_of_a_batch_are_as_alone(updates, rng, monkeypatch) -> None:
    """Bit for bit: in one piece and in many, with values under way between them."""
    net = Network.sequential(
        Input(8),
        Sparse.all_to_all(8, 20, weight=Normal(0.1, 0.3), delay=Steps(1, 4), seed=1),
        LIF(alpha=0.7),
        Dense(20, 5, bias=False),
        LIF(alpha=0.9),
    )
    values = rng.normal(0, 1, (5, 40, 8)) * (rng.random((5, 40, 8)) < 0.4)

    def run(given):
        sim = Simulator(net, engine="event")
        probes = [sim.probe(path) for path in ("lif1.s_out", "lif1.v", "lif2.a_in")]
        out = sim.run(given, progress=False)
        return [out, *(probe.data for probe in probes), sim.read("lif2.v")]

    alone = [run(sample) for sample in values]
    assert sum(found[0].sum() for found in alone) > 20
    monkeypatch.setattr(event_engine, "UPDATES", updates)
    for k, together in enumerate(run(values)):
        np.testing.assert_array_equal(together, np.stack([found[k] for found in alone]))


def test_events_are_the_spikes() -> None:
    net = recurrent()
    found = []
    for engine in ("torch", "event"):
        sim = Simulator(net, engine=engine, dtype="float64")
        probe = sim.probe("exc.s_out")
        sim.run(steps=50)
        events = probe.events
        dense = np.zeros((50, 40))
        dense[events.steps, events.places] = events.sizes
        np.testing.assert_array_equal(dense, probe.data)
        found.append(events)
    np.testing.assert_array_equal(found[0].steps, found[1].steps)
    np.testing.assert_array_equal(found[0].places, found[1].places)


def test_auto_takes_it_for_sparse_networks() -> None:
    assert Simulator(recurrent()).engine == "event"
    assert Simulator(recurrent(), dtype="bfloat16").engine == "torch"
    assert Simulator(recurrent(), schedule="process").engine == "torch"
    assert Simulator(recurrent(), schedule="timestep").engine == "torch"
    assert Simulator(closed()).engine == "event"
    assert Simulator(Network.sequential(Input(3), Dense(3, 2), LIF())).engine == "torch"


class EventTorch(Neuron):
    def step(self, a_in, fire):
        return fire(a_in.sort().values)


def test_what_it_cannot_run_is_named() -> None:
    net = Network.sequential(Input(3), EventTorch())
    with pytest.raises(StateError, match=r"EventTorch.*event engine.*engine='torch'"):
        Simulator(net, engine="event")
    with pytest.raises(StateError, match="float32 or float64"):
        Simulator(recurrent(), engine="event", dtype="float16")


def test_a_schedule_it_does_not_follow_is_refused() -> None:
    for schedule in ("auto", "timestep"):
        assert Simulator(recurrent(), engine="event", schedule=schedule).schedule == "timestep"
    with pytest.raises(ParameterError, match=r"event engine is timestep-major; got 'process'"):
        Simulator(recurrent(), engine="event", schedule="process")
    with pytest.raises(ParameterError, match=r"compiles everything; got 'eager'"):
        Simulator(recurrent(), engine="event", kernels="eager")
    assert Simulator(recurrent(), kernels="eager").engine == "torch"


def test_the_structure_cannot_be_written() -> None:
    for engine in ("torch", "event"):
        with pytest.raises(ParameterError, match="part of the network's structure"):
            Simulator(recurrent(), engine=engine).write("sparse2.targets", 0)


def test_parameters_can_be_written_and_read() -> None:
    net = recurrent()
    found = []
    for engine in ("torch", "event"):
        sim = Simulator(net, engine=engine, dtype="float64")
        probe = sim.probe("exc.s_out")
        sim.run(steps=10)
        sim.write("exc.alpha", 0.2)
        sim.write("exc.v", 0.3)
        sim.run(steps=10)
        found.append([probe.data, sim.read("exc.v")])
    same(found)
