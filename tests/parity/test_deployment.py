"""Networks of four kinds, in every runtime that takes their step graph: the same spikes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from exported_networks import digits, lif_plus, recurrent, residual, side_by_side

from bidl_sim import Network
from bidl_sim.core.neuron import Neuron
from bidl_sim.netx.captured import CapturedSession
from bidl_sim.netx.compare import compare
from bidl_sim.netx.cpp.program import missing_tools
from bidl_sim.netx.emulator import Numbers
from bidl_sim.netx.runs import (
    AnyRun,
    CppRun,
    EmulatedRun,
    OnnxRun,
    SessionRun,
    SimulatedRun,
    samples_of,
)
from bidl_sim.netx.verify import ROUNDING, Row

RECORDINGS, STEPS = 50, 10

Make = Callable[[Network, tuple[str, ...]], AnyRun]

RUNTIMES: dict[str, Make] = {
    "onnxruntime": lambda net, spikes: OnnxRun(net, "float32", spikes),
    "step graph in torch": lambda net, spikes: SessionRun(
        CapturedSession(net, "cpu", "float32", spikes)
    ),
    "C++ program": lambda net, spikes: CppRun(net, "float32", spikes),
    "emulator in float32": lambda net, spikes: EmulatedRun(net, spikes, Numbers("float32")),
    "emulator in float16": lambda net, spikes: EmulatedRun(net, spikes),
}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_fifty_recordings_give_the_same_spikes(runtime, rng) -> None:
    """By the rule of `verify`: in float32 but for potentials within rounding of the threshold, in
    float16 but for two in a hundred.
    """
    if runtime == "C++ program" and (missing := missing_tools()):
        pytest.skip(f"nothing to build with: no {' and no '.join(missing)}")
    kinds = {"digits": digits, "lif_plus": lif_plus, "residual": residual, "recurrent": recurrent}
    net = side_by_side({name: make() for name, make in kinds.items()}, seed=2)
    circuit = net.build()
    spikes = tuple(f"{n}.{p.spikes}" for n, p in circuit.processes.items() if isinstance(p, Neuron))
    sizes = {path: (RECORDINGS, STEPS, *circuit.main_signal(path).shape) for path in circuit.inputs}
    frames = {path: rng.poisson(0.7, size).astype(np.float64) for path, size in sizes.items()}
    samples, _, _ = samples_of(circuit, frames)
    reference = SimulatedRun(net, "float32")
    wanted = reference(samples, STEPS, spikes)
    assert all(0.01 < values.mean() < 0.99 for values in wanted.recorded.values())
    found = RUNTIMES[runtime](net, spikes)(samples, STEPS, spikes)
    half = runtime.endswith("float16")
    judge = None if half else reference.judge(samples, STEPS, ROUNDING)
    row = Row(runtime, "float16" if half else "float32", 1.0, compare(wanted, found, judge))
    assert row.ok, row.difference
