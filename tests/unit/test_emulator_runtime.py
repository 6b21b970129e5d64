"""Does the contract emulator keep the runtime's contract: memory, order, state, errors?"""

from __future__ import annotations

import numpy as np
import pytest

from bidl_sim import Network, Simulator, netx
from bidl_sim.errors import FormatError, ParameterError, ShapeError, StateError
from bidl_sim.netx.emulator import (
    BATCHES,
    Code,
    Compiled,
    EmulatedSession,
    Event,
    Host,
    Lane,
    Numbers,
    batches,
    run_samples,
)
from bidl_sim.netx.step import step_graph
from bidl_sim.processes import CUBA, LIF, Dense, Input, Sink, TimeSum

ORDERS = range(12)
"""Seeds that draw which stream has its turn."""


def counter(**options) -> Network:
    """Potentials that only grow, and the sum of what was sent: nothing is forgotten."""
    return Network.sequential(
        Input(3, name="in"), LIF(alpha=1.0, v_th=100.0, name="cells", **options), Sink(name="out")
    )


def leaky() -> Network:
    return Network.sequential(
        Input(3),
        Dense(3, 4, weight=np.arange(12).reshape(4, 3) / 8, bias=False),
        *(LIF(alpha=0.5, v_th=0.75, initial={"v": 0.5}), TimeSum()),
    )


def simulator(net: Network) -> Simulator:
    return Simulator(net, engine="torch", kernels="eager", dtype="float64")  # nothing to compile


def sample(rng, steps: int = 6, batch: int = 1) -> np.ndarray:
    """``(time, batch, 3)`` that fp16 holds."""
    return rng.integers(0, 2, (steps, batch, 3)).astype(np.float16)


@pytest.fixture
def host() -> Host:
    return Host(devices=2)


# -- state ---------------------------------------------------------------------------------------


def test_a_forgotten_reset_shows_in_the_next_sample(rng) -> None:
    net = leaky()
    runtime, sim = netx.Runtime(net, "lynxi-emulator"), simulator(net)
    first, second = rng.integers(0, 2, (2, 5, 3)) * 1.0
    runtime.run(first)
    sim.run(first)
    forgotten = runtime.run(second)
    np.testing.assert_array_equal(forgotten, sim.run(second))
    runtime.reset()
    assert not np.array_equal(forgotten, runtime.run(second))


def test_reset_restores_the_declared_state_and_not_zero() -> None:
    declared = [0.25, -1.5, 40.0]
    session = EmulatedSession(counter(initial={"v": declared}))
    assert session.read("cells.v").tolist() == declared
    session.step(np.ones(3))
    assert session.read("cells.v").tolist() == [1.25, -0.5, 41.0]
    session.reset()
    assert session.read("cells.v").tolist() == declared


def test_reset_takes_effect_in_the_order_of_its_stream(host) -> None:
    device = host.devices[0]
    model = device.load(Compiled(step_graph(counter(initial={"v": 7.0}))))
    stream, source, target = device.stream(), device.allocate(6), device.allocate(6)
    before, after = np.zeros((2, 1, 3), np.float16)
    stream.copy_in(source, np.ones(3, np.float16))
    for _ in range(3):
        stream.execute(model, source, target)
    stream.read_state(model, "cells.v", before)
    stream.reset(model)
    stream.execute(model, source, target)
    stream.read_state(model, "cells.v", after)
    assert not before.any()  # nothing is done before somebody waits for it
    assert stream.synchronize() is Code.OK
    assert (before.tolist(), after.tolist()) == ([[10, 10, 10]], [[8, 8, 8]])


def test_a_state_is_written_for_each_sample(rng) -> None:
    session = EmulatedSession(counter())
    session.run(sample(rng, batch=3).swapaxes(0, 1))
    session.write("cells.v", np.array([[1], [2], [3]]) * [1.0, 0.5, 0.25])
    session.step(np.zeros((3, 3)))
    assert session.read("cells.v").tolist() == [[1, 0.5, 0.25], [2, 1, 0.5], [3, 1.5, 0.75]]
    with pytest.raises(StateError, match=r"state 'cells\.u': is none; has: cells\.v"):
        session.read("cells.u")


# -- memory --------------------------------------------------------------------------------------


def test_bytes_are_those_of_time_batch_and_place(rng) -> None:
    """Two inputs of different kinds, one after another in each step."""
    net = Network()
    net.add(Input((2, 3), name="a"))
    net.add(Input((2, 3), "int", name="b"))
    compiled = Compiled(step_graph(net), batch=4, input_type="uint8")
    a, b = rng.integers(0, 200, (2, 5, 4, 2, 3))
    data = compiled.packed({"a": a, "b": b}, compiled.inputs, 5)
    assert compiled.input_bytes == 4 * (6 + 6 * 8) == data.shape[1]
    np.testing.assert_array_equal(data[3, :24].reshape(4, 2, 3), a[3])
    np.testing.assert_array_equal(data[3, 24:].view(np.int64).reshape(4, 2, 3), b[3])
    lane = Lane(Host().devices[0], compiled)
    found = lane.collect(lane.submit(data))
    assert found["a.s_out"].dtype == np.float16
    np.testing.assert_array_equal(found["a.s_out"], a)
    np.testing.assert_array_equal(found["b.s_out"], b)


def test_lengths_that_do_not_fit_raise(host, rng) -> None:
    device = host.devices[0]
    compiled = Compiled(step_graph(leaky()), batch=2)
    model, stream = device.load(compiled), device.stream()
    source, target = device.allocate(12), device.allocate(compiled.output_bytes)
    assert (compiled.input_bytes, compiled.output_bytes) == (12, 16)
    for short in ((source.at(2), target), (source, target.at(8))):
        for call in (stream.execute, stream.send):
            with pytest.raises(ShapeError, match=r"emulator, memory: has .* bytes from here on"):
                call(model, *short)
    with pytest.raises(ShapeError, match="has 12 bytes from here on, not 14"):
        stream.copy_in(source, np.zeros(7, np.float16))
    with pytest.raises(ShapeError, match="has 12 bytes from here on, not 13"):
        source.at(13)
    with pytest.raises(ShapeError, match="must be C-contiguous"):
        stream.copy_in(source, np.zeros((2, 6), np.float16).T)
    with pytest.raises(ShapeError, match=r"state 'lif1\.v': is float16 of shape \(2, 4\)"):
        stream.read_state(model, "lif1.v", np.zeros((2, 4)))
    with pytest.raises(ShapeError, match=r"emulator, input1: must be \(6, 2, 3\), got \(6, 1, 3\)"):
        compiled.packed({"input1": sample(rng)}, compiled.inputs, 6)
    with pytest.raises(ParameterError, match="must have a size of 0 or more, got -1"):
        device.allocate(-1)


@pytest.mark.parametrize("batch", [0, 3, 8, 56])
def test_a_step_is_compiled_for_some_batches_only(batch) -> None:
    with pytest.raises(ParameterError, match=rf"one of \(1, 2, 4, 7, 14, 28\), got {batch}"):
        Compiled(step_graph(leaky()), batch)


def test_any_number_of_samples_is_made_of_such_batches() -> None:
    assert batches(17) == [14, 2, 1]
    assert batches(60) == [28, 28, 4]
    for samples in range(1, 60):
        assert sum(batches(samples)) == samples
        assert set(batches(samples)) <= set(BATCHES)


# -- order ---------------------------------------------------------------------------------------


def passed_on(order: int, with_event: bool) -> np.ndarray:
    """One stream does a step, another takes its result to the host."""
    host = Host(order=order)
    device = host.devices[0]
    model = device.load(Compiled(step_graph(counter())))
    worker, reader, done = device.stream(), device.stream(), Event()
    source, target = device.allocate(6), device.allocate(6)
    found = np.zeros(3, np.float16)
    worker.copy_in(source, np.array([200, 0, 300], np.float16))
    worker.execute(model, source, target)
    worker.record(done)
    if with_event:
        reader.wait(done)
    reader.copy_out(found, target)
    assert reader.synchronize() is Code.OK
    return found


def test_a_missing_event_gives_wrong_data_and_no_error() -> None:
    wanted = [1, 0, 1]
    assert all(passed_on(order, True).tolist() == wanted for order in ORDERS)
    without = [passed_on(order, False).tolist() == wanted for order in ORDERS]
    assert not all(without)
    assert any(without)


def test_the_same_seed_gives_the_same_order() -> None:
    for order in ORDERS:
        again = [passed_on(order, False) for _ in range(2)]
        np.testing.assert_array_equal(*again)


def test_a_lane_is_right_in_every_order(rng) -> None:
    """Samples sent one behind the other, with nobody waiting between."""
    x = sample(rng, steps=9, batch=4)
    wanted = simulator(leaky()).run(x.swapaxes(0, 1).astype(float))
    for order in ORDERS:
        lane = Lane(Host(order=order).devices[0], Compiled(step_graph(leaky()), 4))
        data = lane.compiled.packed({"input1": x}, lane.compiled.inputs, 9)
        told = [lane.submit(part) for part in (data, data[:4], data)]
        first, _, third = (lane.collect(sequence)["timesum1.a_out"] for sequence in told)
        np.testing.assert_array_equal(first[-1], wanted)
        np.testing.assert_array_equal(third, first)


def test_host_arrays_are_read_when_the_copy_is_done(host) -> None:
    device = host.devices[0]
    stream, target = device.stream(), device.allocate(2)
    given, found = np.array([1, 2], np.uint8), np.zeros(2, np.uint8)
    stream.copy_in(target, given)
    given[:] = [3, 4]
    stream.copy_out(found, target)
    stream.synchronize()
    assert found.tolist() == [3, 4]


def test_an_event_that_was_never_recorded_is_no_wait(host) -> None:
    stream = host.devices[0].stream()
    stream.wait(Event())
    assert stream.synchronize() is Code.OK


def test_waiting_for_what_never_comes_is_an_error(host) -> None:
    device = host.devices[0]
    model = device.load(Compiled(step_graph(counter())))
    stream = device.stream()
    stream.receive(model)
    with pytest.raises(StateError, match="stream 0: waits forever to receive an output"):
        stream.synchronize()


# -- errors by code ------------------------------------------------------------------------------


def test_misuse_is_told_by_code_and_to_the_handler(host) -> None:
    heard = []
    host.on_error(lambda stream, code, message: heard.append((stream, code, message)))
    one, two = host.devices
    compiled = Compiled(step_graph(counter()))
    memory, model = one.allocate(6), one.load(compiled)
    assert (host.device_count, host.open(1)) == (2, (two, Code.OK))
    assert host.open(2) == (None, Code.NO_DEVICE)
    assert two.free(memory) is two.unload(model) is Code.OTHER_DEVICE
    foreign = two.stream()
    assert foreign.reset(model) is Code.OTHER_DEVICE
    assert foreign.read_state(model, "cells.u", np.zeros(1)) is Code.NO_STATE
    assert one.free(memory) is one.unload(model) is Code.OK
    assert (one.free(memory), one.unload(model)) == (Code.NO_MEMORY, Code.NO_MODEL)
    assert one.stream().copy_in(memory, np.zeros(1, np.uint8)) is Code.NO_MEMORY
    assert [(stream, code.name) for stream, code, _ in heard] == [
        (None, "NO_DEVICE"),
        (None, "OTHER_DEVICE"),
        (None, "OTHER_DEVICE"),
        (0, "OTHER_DEVICE"),
        (0, "NO_STATE"),
        (None, "NO_MEMORY"),
        (None, "NO_MODEL"),
        (1, "NO_MEMORY"),
    ]
    assert "the model has no state 'cells.u'; has: cells.v" in heard[4][2]


def test_what_is_gone_when_its_turn_comes_is_told_by_synchronize(host) -> None:
    heard = []
    device = host.devices[0]
    model = device.load(Compiled(step_graph(counter())))
    stream, source = device.stream(), device.allocate(6)
    for call in (lambda: stream.execute(model, source, source), lambda: stream.receive(model)):
        assert call() is Code.OK
    device.unload(model)
    host.on_error(lambda *told: heard.append(told))
    assert stream.synchronize() is Code.NO_MODEL
    assert [told[2].partition(":")[0] for told in heard] == ["execute", "receive an output"]
    assert stream.synchronize() is Code.OK


# -- the runtime ---------------------------------------------------------------------------------


def test_a_runtime_takes_any_batch_and_keeps_it(rng) -> None:
    net = leaky()
    runtime = netx.Runtime(net, "lynxi-emulator")
    x = rng.integers(0, 2, (5, 7, 3)) * 1.0
    found = runtime.run(x)
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, simulator(net).run(x))
    with pytest.raises(StateError, match=r"the state belongs to 5 sample\(s\), the input is 1"):
        runtime.step(x[0, 0])
    runtime.reset()
    for frame in x[2]:
        last = runtime.step(frame)
    np.testing.assert_array_equal(last, found[2])
    with pytest.raises(ParameterError, match="runs in no simulator"):
        _ = runtime.simulator


def test_integers_are_refused_below_float64() -> None:
    net = Network.sequential(Input(2), CUBA(arithmetic="integer", name="whole"))
    with pytest.raises(
        FormatError, match=r"'whole'.*computes with integers, which float16 does not"
    ):
        netx.Runtime(net, "lynxi-emulator")
    assert EmulatedSession(net, Numbers("float64")).run(np.ones((4, 2))).shape == (4, 2)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ParameterError, match="emulator, devices: must be 1 or more, got 0"):
        Host(0)
    with pytest.raises(ParameterError, match=r"input_type must be one of uint8, .*got 'int4'"):
        Compiled(step_graph(leaky()), input_type="int4")


def test_lanes_take_samples_side_by_side(rng) -> None:
    x = sample(rng, batch=11)
    host = Host(devices=2, order=3)
    compiled = {size: Compiled(step_graph(leaky()), size) for size in (7, 4)}
    lanes = [Lane(*both) for both in zip(host.devices, compiled.values(), strict=True)]
    found = run_samples(lanes, {"input1": x}, 6)["timesum1.a_out"]
    wanted = simulator(leaky()).run(x.swapaxes(0, 1).astype(float))
    np.testing.assert_array_equal(found[-1], wanted)
