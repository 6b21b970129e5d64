"""Networks as C++ programs: the same spikes, from a compiler of this machine."""

from __future__ import annotations

import numpy as np
import pytest
from cases import CASES
from every_operation import EveryOperation
from exported_networks import fully_connected, side_by_side, whole_numbers
from published import DATA

from bidl_sim import Network, netx
from bidl_sim.core.intrinsics import arctan, erf
from bidl_sim.core.process import State
from bidl_sim.errors import FormatError
from bidl_sim.netx.compare import compare
from bidl_sim.netx.cpp.program import Program, missing_tools
from bidl_sim.netx.runs import CppRun, SimulatedRun
from bidl_sim.netx.step import step_graph
from bidl_sim.netx.verify import ROUNDING, Row
from bidl_sim.processes import (
    CUBA,
    LIF,
    Add,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    Dense,
    Flatten,
    Input,
    LIFPlus,
    Neuron,
    SigmaDelta,
    Sink,
    Sparse,
    TimeMean,
)

pytestmark = pytest.mark.skipif(
    bool(missing_tools()), reason=f"nothing to build with: no {' and no '.join(missing_tools())}"
)

STEPS = 12
QUICK = ("-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O1 -Wall -Wextra -Werror")
"""Compiles in seconds what is thousands of lines."""


class EveryFunction(EveryOperation):
    """And whole numbers beyond 64 bits, and the functions that onnxruntime lacks."""

    def step(self, a_in, n):
        x, n = super().step(a_in, n)
        return x + arctan(a_in) + erf(a_in), n - (n * 2**61) // 2**59


class Swapping(EveryOperation):
    """Sends a state as it was, and exchanges two others."""

    y = State(1.0)
    z = State(0.5)
    last = State(0.25)

    def step(self, a_in, n, y, z, last):
        return last + n - y, n, z, y, a_in


class Standing(EveryOperation):
    """Sends a state that never changes."""

    def step(self, a_in, n):
        return n + a_in, n


def ports(net: Network) -> tuple[str, ...]:
    """Everything that is sent anywhere."""
    return tuple(f"{path}.{n}" for path, p in net.build().processes.items() for n in p.out_specs)


def samples(net: Network, make) -> dict[str, np.ndarray]:
    circuit = net.build()
    return {path: make((3, STEPS, *circuit.main_signal(path).shape)) for path in circuit.inputs}


def residual() -> Network:
    """A block around which its input goes, too; and kernels of all kinds."""
    net = Network.sequential(
        Input((2, 9, 8), name="frames"),
        *(Conv2d(2, 4, 3, padding=1, name="first"), LIF(alpha=0.9, v_th=0.3, name="before")),
        *(Conv2d(4, 4, 3, padding=1), BatchNorm(mean=[0.1, 0.0, -0.1, 0.2]), Add(name="sum")),
        *(LIF(alpha=0.8, v_th=0.2, name="after"), AvgPool2d(2)),
        *(Conv2d(4, 6, (3, 2), stride=(2, 1), padding=2, dilation=(1, 2), groups=2), LIF()),
        *(ConvTranspose2d(6, 3, 3, stride=2, padding=1), LIF(v_th=0.1), Flatten()),
        *(Dense(3 * 5 * 11, 4), TimeMean()),
    )
    net.connect(net.processes["before"], net.processes["sum"])
    return net


def recurrent() -> Network:
    net = Network()
    a, b = net.add(LIF(12, alpha=0.9, v_th=0.4)), net.add(LIF(9, alpha=0.7, v_th=0.3))
    net.connect(net.add(Input(6)), into := net.add(Dense(6, 12)))
    net.connect(into, a, delay=2)
    forth = Sparse.fixed_probability(12, 9, 0.2, weight=0.4, delay=3, seed=1)
    for source, synapse, target, delay in ((a, forth, b, 0), (b, Dense(9, 12), a, 4)):
        net.connect(source, net.add(synapse), delay=delay)
        net.connect(synapse, target)
    net.connect(a, net.add(Sink(name="late")), delay=3)
    return net


NETWORKS = {
    "residual": residual,
    "recurrent": recurrent,
    "lif_plus": lambda: fully_connected(
        lambda: LIFPlus(decay="exponential", accumulation="cobe", refractory="relative")
    ),
    "cuba": lambda: fully_connected(lambda: CUBA(threshold=0.3)),
    "sigma_delta": lambda: fully_connected(lambda: SigmaDelta(threshold=0.05, bias=0.1)),
}


def every_case() -> Network:
    """All types and variants that the step graph can say, and some of our own."""
    said = {}
    for case in CASES:
        try:
            step_graph(case.network())
        except FormatError:  # which ones is tested beside ONNX models
            continue
        said[case.name.lower().replace("-", "_")] = case.network()
    for own in (EveryFunction, Swapping, Standing):
        said[own.__name__] = Network.sequential(Input(40), own())
    said["whole"] = Network.sequential(Input(3, "int"))
    published = DATA / "lava_netx" / "oxford" / "network.net"
    if published.is_file():  # lava-dl's, with Lava's arithmetic
        said["oxford"] = netx.load(published, pipeline=True, as_lava=True)
    return side_by_side({**said, "integers": whole_numbers()})


def test_every_process_sends_what_it_sends_in_the_simulator(rng) -> None:
    """In float64: spikes and other whole numbers to the bit, all else within 1e-12, for sums may
    be rounded in another order.
    """
    net = every_case()
    given = samples(net, lambda shape: rng.normal(0.2, 0.6, shape))
    for path, values in given.items():
        if path.startswith(("integers.", "whole.", "oxford.")):
            given[path] = rng.poisson(0.7, values.shape).astype(float)
    recorded = ports(net)
    found = Program(net, record=recorded, options=QUICK).run(given, STEPS)
    wanted = SimulatedRun(net, "float64", schedule="timestep")(given, STEPS, recorded).recorded
    exact = []
    for port, values in wanted.items():
        if np.array_equal(values, np.round(values)):
            exact.append(port)
        limit = 0 if port in exact else 1e-12
        np.testing.assert_allclose(found[port], values, limit, limit, err_msg=port)
    assert len(exact) > len(CASES)  # the neuron behind each case, and more
    assert wanted["integers.cuba2.s_out"].mean() > 0.01


def test_networks_give_the_same_spikes_in_float32(rng) -> None:
    """By the rule of `verify`: but for potentials within rounding of the threshold."""
    net = side_by_side({name: make() for name, make in NETWORKS.items()})
    given = samples(net, lambda shape: rng.poisson(0.7, shape) * 1.0)
    circuit = net.build()
    spikes = tuple(f"{n}.{p.spikes}" for n, p in circuit.processes.items() if isinstance(p, Neuron))
    found = CppRun(net, "float32", spikes)(given, STEPS, spikes)
    reference = SimulatedRun(net, "float32")
    wanted = reference(given, STEPS, spikes)
    assert all(0.01 < values.mean() < 0.9 for values in wanted.recorded.values())
    difference = compare(wanted, found, reference.judge(given, STEPS, ROUNDING))
    assert Row("C++", "float32", 1.0, difference).ok, difference
    assert found.seconds > 0
