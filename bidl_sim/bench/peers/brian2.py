"""Brian2: a network as C++ compiled for it, or as Cython that Python calls in every step."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from bidl_sim.bench.peers.peer import Peer, Ready, Took
from bidl_sim.bench.peers.wiring import Synapses, Wiring
from bidl_sim.core.network import Network

Parts = Callable[[Any], Iterator[Any]]
"""From the package, the objects of a network; the last one records all spikes."""

CUBA = """
dv/dt = (g_e + g_i - (v + 49*mV)) / (20*ms) : volt (unless refractory)
dg_e/dt = -g_e / (5*ms) : volt
dg_i/dt = -g_i / (10*ms) : volt
"""


TRACES = """
w : volt
dx/dt = -x / (20*ms) : 1 (event-driven)
dy/dt = -y / (20*ms) : 1 (event-driven)
"""
PRE = """
g_e_post += w
w = clip(w - 1.05*0.0324*mV*y, 0*mV, 3.24*mV)
x += 1
"""
POST = """
w = clip(w + 0.0324*mV*x, 0*mV, 3.24*mV)
y += 1
"""


def cuba(net: Network, steps: int, device: str) -> Ready:
    """Brian2 adds what a spike sends at the end of the same step: our delay of one."""

    def parts(b2: Any) -> Iterator[Any]:
        wiring = Wiring(net)
        group = _balanced(b2, wiring)
        yield group
        yield _synapses(b2, group, wiring.joined("exc"), "g_e_post += 1.62*mV")
        yield _synapses(b2, group, wiring.joined("inh"), "g_i_post -= 9*mV")
        yield b2.SpikeMonitor(group)

    return DEVICES[device](parts, steps, 0.1)


def stdp(net: Network, steps: int, device: str) -> Ready:
    """As `cuba`, with traces in the synapses that learn."""

    def parts(b2: Any) -> Iterator[Any]:
        wiring = Wiring(net)
        group = _balanced(b2, wiring)
        yield group
        learned = wiring.joined("exc", "exc")
        synapses = _synapses(b2, group, learned, PRE, TRACES, on_post=POST)
        synapses.w = learned.weight * b2.mV
        yield synapses
        yield _synapses(b2, group, wiring.joined("exc", "inh"), "g_e_post += 1.62*mV")
        yield _synapses(b2, group, wiring.joined("inh"), "g_i_post -= 9*mV")
        yield b2.SpikeMonitor(group)

    note = "a pair within one step strengthens"
    return DEVICES[device](parts, steps, 0.1, note)


def _balanced(b2: Any, wiring: Wiring) -> Any:
    # the step of a spike counts as refractory there
    rules = {"threshold": "v > -50*mV", "reset": "v = -60*mV", "refractory": 5.1 * b2.ms}
    group = b2.NeuronGroup(wiring.size, CUBA, method="exact", **rules)
    group.v = wiring.v * b2.mV
    return group


def brunel(net: Network, steps: int, device: str) -> Ready:
    """Spikes and the random input are added between decay and threshold."""
    drive: Any = net.processes["exc_drive"]
    jump = float(drive.size)

    def parts(b2: Any) -> Iterator[Any]:
        wiring = Wiring(net)
        rules = {"threshold": "v >= 20*mV", "reset": "v = 10*mV", "refractory": 2.1 * b2.ms}
        equation = "dv/dt = -v / (20*ms) : volt (unless refractory)"
        group = b2.NeuronGroup(wiring.size, equation, method="exact", **rules)
        group.v = wiring.v * b2.mV
        yield group
        for source, size in (("exc", jump), ("inh", -5 * jump)):
            yield _late(b2, _synapses(b2, group, wiring.joined(source), f"v_post += {size}*mV"), 14)
        rate = float(drive.rate) / 1000 / (0.1 * b2.ms)
        yield b2.PoissonInput(group, "v", 1000, rate, jump * b2.mV, when="after_groups")
        yield b2.SpikeMonitor(group)

    return DEVICES[device](parts, steps, 0.1, "random numbers of its own")


def chain(net: Network, steps: int, device: str) -> Ready:
    """All populations in one group, the leak at the beginning of a step, not at its end."""

    def parts(b2: Any) -> Iterator[Any]:
        wiring = Wiring(net)
        equation = "dv/dt = (b - v) / tau : 1 \n b : 1 (constant)"
        tau = {"tau": -b2.ms / math.log(0.9)}
        rules = {"threshold": "v > 1", "reset": "v = 0", "namespace": tau}
        group = b2.NeuronGroup(wiring.size, equation, method="exact", **rules)
        group.b = wiring.v / 0.1
        yield group
        connections = wiring.joined()
        synapses = _synapses(b2, group, connections, "v_post += w", "w : 1 (constant)")
        synapses.w = connections.weight
        yield _late(b2, synapses, 0)
        yield b2.SpikeMonitor(group)

    return DEVICES[device](parts, steps, 1.0)


def _synapses(
    b2: Any, group: Any, connections: Synapses, on_pre: str, model: str = "", **more: str
) -> Any:
    synapses = b2.Synapses(group, group, model, on_pre=on_pre, **more)
    synapses.connect(i=connections.pre, j=connections.post)
    return synapses


def _late(b2: Any, synapses: Any, steps: int) -> Any:
    """Synapses that deliver after the decay of the next step, or so many steps later."""
    synapses.pre.when = "after_groups"
    synapses.delay = steps * b2.defaultclock.dt
    return synapses


def _compiled(parts: Parts, steps: int, dt: float, note: str = "") -> Ready:
    """A program in a folder of its own; making the synapses is part of its run."""
    import brian2 as b2

    began = time.perf_counter()
    folder = tempfile.TemporaryDirectory(prefix="brian2-")
    device = b2.all_devices["cpp_standalone"]
    device.reinit()
    b2.set_device("cpp_standalone", build_on_run=False, directory=folder.name)
    try:
        b2.defaultclock.dt = dt * b2.ms
        objects = list(parts(b2))
        b2.Network(objects).run(steps * dt * b2.ms)
        device.build(directory=folder.name, compile=True, run=False)
    finally:
        b2.set_device("runtime")

    def run() -> Took:
        began = time.perf_counter()
        device.run(directory=folder.name, with_output=False)
        wall, loop = time.perf_counter() - began, float(device._last_run_time)
        return Took(loop, int(objects[-1].num_spikes), before=wall - loop)

    return Ready(run, time.perf_counter() - began, note)


def _called(parts: Parts, steps: int, dt: float, note: str = "") -> Ready:
    import brian2 as b2

    began = time.perf_counter()
    b2.prefs.codegen.target = "cython"
    b2.defaultclock.dt = dt * b2.ms
    objects = list(parts(b2))
    network = b2.Network(objects)
    network.store()

    def run() -> Took:
        began = time.perf_counter()
        network.restore()
        passed = [0.0]

        def report(elapsed: Any, *_: object) -> None:
            passed[0] = float(elapsed)

        network.run(steps * dt * b2.ms, report=report, report_period=1e6 * b2.second)
        before = time.perf_counter() - began - passed[0]
        return Took(passed[0], int(objects[-1].num_spikes), before)

    return Ready(run, time.perf_counter() - began, note)


DEVICES: dict[str, Callable[..., Ready]] = {"c++": _compiled, "cython": _called}
WORKS = {"cuba": cuba, "stdp": stdp, "brunel": brunel, "chain": chain}
PEERS = (
    Peer("brian2", "brian2", WORKS, {"device": "c++"}),
    Peer("brian2-cython", "brian2", WORKS, {"device": "cython"}),
)
