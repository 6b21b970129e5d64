"""Networks: names, connections, nesting, and what is refused when they are built."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from bidl_sim import In, Network, Neuron, Out, Param, Process, Ref, Simulator, State
from bidl_sim.errors import (
    GraphError,
    ParameterError,
    ScheduleError,
    ShapeError,
    StateError,
)
from bidl_sim.processes import (
    LIF,
    Add,
    Callback,
    Conv2d,
    Dense,
    Flatten,
    Input,
    Poisson,
    Sink,
    TimeMean,
)


def test_processes_are_numbered_by_type() -> None:
    net = Network.sequential(Input(2), Dense(2, 3), LIF(), Dense(3, 1), LIF(name="out"))
    assert list(net.processes) == ["input1", "dense1", "lif1", "dense2", "out"]


def test_a_taken_name_is_refused() -> None:
    net = Network()
    net.add(LIF(), name="a")
    with pytest.raises(
        GraphError, match=r"the name 'a' is taken by LIF 'a' \(test_network.py:\d+\)"
    ):
        net.add(Dense(1, 1), name="a")


def test_ports_are_connected_in_the_style_of_lava() -> None:
    exc, inh, syn = LIF(n=4), LIF(n=2), Dense(4, 2)
    exc.s_out.connect(syn.s_in)
    syn.a_out.connect(inh.a_in, delay=3)
    net = Network.of(inh)
    assert set(net.processes) == {"lif1", "lif2", "dense1"}
    delays = [data["delay"] for _, _, data in net.graph.edges(data=True)]
    assert isinstance(net.graph, nx.MultiDiGraph)
    assert sorted(delays) == [0, 3]


def test_an_unconnected_input_is_named() -> None:
    net = Network()
    net.add(Dense(2, 3), name="syn")
    with pytest.raises(GraphError, match=r"syn\.s_in: nothing is connected .* help: connect"):
        net.build()


def test_a_population_with_a_shape_needs_no_input() -> None:
    net = Network()
    net.add(LIF(n=3, beta=0.3, name="lif"))
    sim = Simulator(net)
    assert sim.run(steps=4).shape == (4, 3)


def test_a_connection_out_of_the_network_is_named() -> None:
    net = Network()
    inside, outside = net.add(LIF(n=2)), LIF(n=2)
    inside.s_out.connect(outside)
    with pytest.raises(GraphError, match=r"not in the network\. help: add it with net\.add"):
        net.build()


def test_two_connections_of_the_same_ports_are_refused() -> None:
    a, b = LIF(n=2, name="a"), LIF(n=2, name="b")
    a.s_out.connect(b)
    with pytest.raises(GraphError, match=r"connect LIF 'a'\.s_out to LIF 'b'\.a_in: .* already"):
        a.s_out.connect(b, delay=2)


@pytest.mark.parametrize("delay", [-1, 1.5, "2", True])
def test_a_delay_is_a_whole_number(delay) -> None:
    with pytest.raises(ParameterError, match="delay"):
        LIF(n=2).s_out.connect(LIF(n=2), delay=delay)


def test_a_loop_without_delay_is_named_with_the_way_out() -> None:
    net = Network()
    a, b = net.add(LIF(n=2), "a"), net.add(Dense(2, 2), "b")
    net.connect(a, b)
    net.connect(b, a)
    with pytest.raises(ScheduleError, match=r"loop without delay: a -> b -> a\. help: .* delay=1"):
        net.build()


def test_shapes_that_do_not_fit_are_named_with_both_sides() -> None:
    net = Network.sequential(Input((2, 5, 5)), Conv2d(2, 3, 3), Dense(75, 2))
    with pytest.raises(
        ShapeError, match=r"Dense 'dense1' .*, s_in: takes shape \(75,\), receives \(3, 3, 3\)"
    ):
        net.build()


def test_shapes_summed_into_one_input_must_agree() -> None:
    net = Network()
    a, b, c = net.add(LIF(n=2)), net.add(LIF(n=3)), net.add(Add(), "sum")
    net.connect(a, c)
    net.connect(b, c)
    with pytest.raises(ShapeError, match=r"sum\.s_in: lif2\.s_out of shape \(3,\) is summed with"):
        net.build()


def test_whole_numbers_do_not_enter_a_synapse() -> None:
    net = Network.sequential(Input(3, dtype="int"), Dense(3, 2))
    with pytest.raises(ShapeError, match=r"dense1\.s_in: takes float values, but input1\.s_out"):
        net.build()


def test_a_loop_infers_its_shape_from_the_outside() -> None:
    net = Network()
    source, lif, back = net.add(Input(4)), net.add(LIF()), net.add(Dense(4, 4))
    net.connect(source, lif)
    net.connect(lif, back)
    net.connect(back, lif, delay=1)
    assert net.build().signals["dense1.a_out"].shape == (4,)


def test_a_shape_that_nothing_fixes_asks_for_it() -> None:
    net = Network()
    a, b = net.add(LIF()), net.add(LIF())
    net.connect(a, b)
    net.connect(b, a, delay=1)
    with pytest.raises(GraphError, match="cannot be inferred"):
        net.build()


def block(channels: int) -> Network:
    """conv -> neuron, plus the input, as one process."""
    net = Network()
    conv, lif, add = (
        net.add(Conv2d(channels, channels, 3, padding=1), "conv"),
        net.add(LIF(), "lif"),
        net.add(Add(), "add"),
    )
    fan = net.add(Add(), "fan")
    net.connect(fan, conv)
    net.connect(conv, lif)
    net.connect(lif, add)
    net.connect(fan, add)
    net.expose(fan.s_in)
    net.expose(add.a_out)
    return net


def test_networks_nest_and_paths_tell_where() -> None:
    net = Network.sequential(
        Input((2, 4, 4)), block(2), Network.sequential(block(2), name="deep"), Flatten()
    )
    circuit = net.build()
    assert "network1.conv" in circuit.processes
    assert "deep.network1.lif" in circuit.processes
    sim = Simulator(net)
    probe = sim.probe("deep.network1.lif.v")
    sim.run(np.ones((3, 2, 4, 4)))
    assert probe.data.shape == (3, 2, 4, 4)


def test_a_process_cannot_stand_in_two_places() -> None:
    shared = LIF(n=2)
    inner = Network.sequential(shared, name="inner")
    outer = Network()
    outer.add(inner)
    outer.add(shared, name="again")
    with pytest.raises(GraphError, match=r"stands in two places: 'inner.lif1' and 'again'"):
        outer.build()


def test_a_network_cannot_hold_itself() -> None:
    a, b = Network(name="a"), Network(name="b")
    a.add(b)
    b.add(a)
    with pytest.raises(GraphError, match="holds itself"):
        a.build()
    with pytest.raises(GraphError, match="cannot hold itself"):
        a.add(a)


def test_adding_a_process_leaves_the_weights_of_others() -> None:
    small = Network.sequential(Input(3), Dense(3, 4, name="first"), seed=7)
    large = Network.sequential(
        Input(3), Dense(3, 3, name="new"), LIF(), Dense(3, 4, name="first"), seed=7
    )
    small.build(), large.build()
    np.testing.assert_array_equal(
        small.processes["first"].parameters()["weight"],
        large.processes["first"].parameters()["weight"],
    )


def test_sinks_name_the_outputs() -> None:
    net = Network()
    source, lif = net.add(Input(3)), net.add(LIF())
    net.connect(source, lif)
    net.connect(lif, net.add(Sink(), "spikes"))
    net.connect(source, net.add(Sink(), "copy"))
    out = Simulator(net).run(np.ones((5, 3)))
    assert set(out) == {"spikes", "copy"}
    np.testing.assert_array_equal(out["copy"], np.ones((5, 3)))


def test_without_sinks_the_open_ends_are_the_outputs() -> None:
    net = Network()
    source, a, b = net.add(Input(3)), net.add(LIF(), "a"), net.add(LIF(), "b")
    net.connect(source, a)
    net.connect(source, b)
    assert list(net.build().outputs) == ["a.s_out", "b.s_out"]


class Watcher(Process):
    """Reads another population's potential and lowers its weights' gain (a test of RefPorts)."""

    a_out = Out()
    seen = Ref()
    gain = Ref(write=True)

    def infer(self, inputs):
        from bidl_sim.core.port import Signal

        return {"a_out": Signal((3,))}

    def step(self, seen, gain):
        return seen * 1, gain * 0.5


def watched() -> Network:
    net = Network()
    source = net.add(Input(3))
    syn, lif, watcher = (
        net.add(Dense(3, 3, weight=np.eye(3), bias=False)),
        net.add(LIF()),
        Watcher(),
    )
    net.connect(source, syn)
    net.connect(syn, lif)
    net.add(watcher, "watcher")
    watcher.ports["seen"].connect(lif, "v")
    watcher.ports["gain"].connect(syn, "weight")
    return net


@pytest.mark.parametrize("schedule", ["timestep", "process"])
def test_a_refport_reads_this_step_and_writes_for_the_next(schedule) -> None:
    sim = Simulator(watched(), schedule=schedule, dtype="float64")
    seen, v = sim.probe("watcher.a_out"), sim.probe("lif1.v")
    current = sim.probe("dense1.a_out")
    sim.run(np.full((4, 3), 0.4))
    np.testing.assert_array_equal(seen.data, v.data)
    np.testing.assert_allclose(current.data[:, 0], [0.4, 0.2, 0.1, 0.05])
    np.testing.assert_allclose(sim.read("dense1.weight"), np.eye(3) / 16)
    sim.reset()
    np.testing.assert_allclose(sim.read("dense1.weight"), np.eye(3))


def test_a_refport_says_what_it_can_refer_to() -> None:
    watcher = Watcher()
    with pytest.raises(GraphError, match=r"no state or parameter 'u'; has: v, "):
        watcher.ports["seen"].connect(LIF(n=3), "u")
    net = Network()
    net.add(watcher)
    with pytest.raises(GraphError, match=r"seen: is not connected"):
        net.build()


def test_a_step_argument_that_means_nothing_fails_at_the_class() -> None:
    with pytest.raises(GraphError, match=r"argument 'tau' is no port, state, parameter"):

        class Wrong(Neuron):
            def step(self, a_in, tau):
                return a_in


def test_a_step_that_returns_too_little_is_named() -> None:
    class Forgetful(Neuron):
        v = State()

        def step(self, a_in, v):
            return a_in

    net = Network.sequential(Input(2), Forgetful())
    with pytest.raises(ShapeError, match=r"step: must return 2 values \(s_out, v\), returned 1"):
        Simulator(net).run(np.ones((1, 2)))


def test_a_type_name_of_another_module_is_not_taken_over() -> None:
    with pytest.raises(GraphError, match=r"the name is taken by bidl_sim\.processes"):
        type("LIF", (Neuron,), {"step": lambda self, a_in: a_in, "__module__": "elsewhere"})


def test_whole_number_states_count() -> None:
    class Refractory(Neuron):
        """Silent for two steps after a spike."""

        hold: Param = Param(2.0)
        left = State(dtype="int")

        def step(self, a_in, left, hold, fire):
            s = fire((a_in - 0.5) * (left <= 0))
            return s, (s * hold).long() + (left - 1).clamp(min=0) * (s == 0)

    sim = Simulator(Network.sequential(Input(1), Refractory()))
    assert sim.run(np.ones((7, 1)))[:, 0].tolist() == [1, 0, 0, 1, 0, 0, 1]
    assert sim.read("refractory1.left").dtype == np.int64


def test_a_loop_through_a_callback_needs_a_delay() -> None:
    net = Network()
    lif = net.add(LIF(n=1))
    world = net.add(Callback(lambda t, x: 0.6 - x, 1))
    net.connect(lif, world)
    net.connect(world, lif, delay=1)
    out = Simulator(net).run(steps=5)
    assert out is None  # nobody listens to an open end
    sim = Simulator(net)
    spikes = sim.probe("lif1.s_out")
    sim.run(steps=5)
    assert spikes.data[:, 0].tolist() == [0, 1, 0, 0, 1]


def test_values_after_an_aggregation_have_no_time() -> None:
    circuit = Network.sequential(Input(3), TimeMean(), Dense(3, 2), name="n").build()
    assert not circuit.signals["dense1.a_out"].timed
    again = Network.sequential(Input(3), TimeMean(), LIF()).build()
    assert again.signals["lif1.s_out"].timed


def test_a_network_that_no_machine_holds_is_refused_before_it_runs() -> None:
    net = Network()
    net.add(LIF(shape=(10**6, 10**6)))
    with pytest.raises(StateError, match=r"needs 12,000 GB for one timestep"):
        Simulator(net)


def test_poisson_streams_depend_on_the_name_only() -> None:
    def spikes(extra: bool) -> np.ndarray:
        net = Network()
        if extra:
            net.add(Poisson(3, rate=0.5), "other")
        net.add(Poisson(4, rate=0.5), "noise")
        sim = Simulator(net)
        probe = sim.probe("noise.s_out")
        sim.run(steps=50)
        return probe.data

    np.testing.assert_array_equal(spikes(False), spikes(True))


def test_an_inport_declares_what_it_takes() -> None:
    class Counter(Process):
        n_in = In(dtype="int")
        a_out = Out()

        def step(self, n_in):
            return n_in.double()

    net = Network.sequential(Input(2), Counter())
    with pytest.raises(ShapeError, match="takes int values"):
        net.build()
