"""The step graph in torch gives the simulator's numbers, on a CPU and captured on a GPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cases import SAID, Case, inputs

from bidl_sim import Network, Simulator
from bidl_sim.errors import ParameterError, StateError
from bidl_sim.netx import Runtime
from bidl_sim.netx.captured import CapturedSession
from bidl_sim.processes import LIF, Dense, Input

STEPS = 12
DEVICES = pytest.mark.parametrize("device", ["cpu", *["cuda"] * torch.cuda.is_available()])


@DEVICES
@pytest.mark.parametrize("case", SAID, ids=lambda c: c.name)
def test_outputs_are_those_of_the_simulator(case: Case, device, rng) -> None:
    net = case.network()
    values = inputs(net, rng, steps=STEPS)
    wanted = Simulator(net, engine="torch", dtype="float64").run(values, STEPS, progress=False)
    session = CapturedSession(net, device, "float64")
    for _ in range(2):
        found = session.run(values, STEPS)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)  # sums in another order
        session.reset()


def loop(delay: int) -> Network:
    """A population that hears itself, and a layer that hears it late."""
    net = Network(seed=1)
    x, dense, lif = net.add(Input(3)), net.add(Dense(3, 4)), net.add(LIF(alpha=0.8, v_th=0.1))
    again, late = net.add(Dense(4, 4)), net.add(Dense(4, 2))
    net.connect(x, dense)
    net.connect(dense, lif)
    net.connect(lif, again, delay=delay)
    net.connect(again, lif)
    net.connect(lif, late, delay=2)
    return net


@DEVICES
def test_states_that_are_passed_on_are_not_overwritten(device, rng) -> None:
    net = loop(3)
    x = rng.poisson(1.0, (5, 20, 3)).astype(np.float64)
    wanted = Simulator(net, dtype="float64").run(x, progress=False)
    session = CapturedSession(net, device, "float64", record=["lif1.v", "lif1.s_out"])
    np.testing.assert_array_equal(session.run(x), wanted)
    sim = Simulator(net, dtype="float64")
    probes = {path: sim.probe(path) for path in session.recorded}
    sim.run(x, progress=False)
    for path, probe in probes.items():
        found = np.stack(session.recorded[path], 1)
        np.testing.assert_allclose(found, probe.data, rtol=1e-12, atol=1e-12)
    assert probes["lif1.s_out"].data.any()


@DEVICES
def test_state_is_carried_over_until_a_reset(device, rng) -> None:
    net = loop(1)
    x = rng.poisson(1.0, (10, 3)).astype(np.float64)
    session = CapturedSession(net, device, "float64")
    first = [session.step(frame) for frame in x]
    second = [session.step(frame) for frame in x]
    assert not np.array_equal(first, second)
    session.reset()
    np.testing.assert_array_equal(session.run(x), first)
    with pytest.raises(StateError, match="belongs to 1 sample"):
        session.run(x[None].repeat(2, 0))
    session.reset()
    np.testing.assert_array_equal(session.run(x[None].repeat(2, 0))[1], first)


@DEVICES
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_formats(dtype, device, rng) -> None:
    net = loop(1)
    x = rng.poisson(1.0, (4, 20, 3)).astype(np.float32)
    session = CapturedSession(net, device, dtype, record=["lif1.s_out"])
    found = session.run(torch.from_numpy(x))
    assert found.dtype == (torch.float32 if dtype == "bfloat16" else getattr(torch, dtype))
    assert session.state["lif1.v"].dtype == getattr(torch, dtype)
    sim = Simulator(net)
    probe = sim.probe("lif1.s_out")
    sim.run(x, progress=False)
    same = np.stack(session.recorded["lif1.s_out"], 1) == probe.data
    assert same.mean() > {"float32": 0.999, "float16": 0.95, "bfloat16": 0.8}[dtype]
    assert 0.1 < probe.data.mean() < 0.9


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_runtime_says_that_there_is_no_gpu() -> None:
    with pytest.raises(ParameterError, match="Runtime, device: 'cuda' is not usable"):
        Runtime(loop(1), target="gpu")
