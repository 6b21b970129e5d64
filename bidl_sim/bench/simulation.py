"""Simulation benchmarks: the event engine beside a loop written for the network."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bidl_sim.bench import networks
from bidl_sim.bench.peers.entrant import Entrant
from bidl_sim.bench.peers.peer import Peer
from bidl_sim.core.network import Network
from bidl_sim.simulator import Simulator

RUNS = 5


@dataclass(frozen=True)
class Work:
    """A network, how many steps it runs, and the seconds that a step stands for."""

    make: Callable[[], Network]
    steps: int
    dt: float


WORKS = {
    "cuba": Work(networks.cuba, 10_000, 1e-4),
    "cuba_16000": Work(lambda: networks.cuba(16_000), 10_000, 1e-4),
    "stdp": Work(networks.stdp, 10_000, 1e-4),
    "brunel": Work(networks.brunel, 10_000, 1e-4),
    "chain": Work(networks.chain, 10_000, 1e-3),
}


def measure(name: str, steps: int | None = None, peers: Sequence[Peer] = ()) -> dict[str, Any]:
    """Figures of one work: medians of alternating runs, all spikes recorded."""
    from bidl_sim.bench import limits

    work = WORKS[name]
    steps = steps or work.steps
    began = time.perf_counter()
    net = work.make()
    build = time.perf_counter() - began
    began = time.perf_counter()
    sim = Simulator(net, engine="event")
    populations = [p for p, process in net.processes.items() if hasattr(process, "v_th")]
    probes = [sim.probe(f"{p}.s_out") for p in populations]
    sim.run(steps=2, progress=False)
    compiling = time.perf_counter() - began
    kind = name.partition("_")[0]
    limit = getattr(limits, kind)(net, steps)
    others = [Entrant(peer, kind, net, steps) for peer in peers]
    ours, theirs = [], []
    spikes = limit_spikes = 0
    for _ in range(RUNS):
        sim.reset()
        began = time.perf_counter()
        sim.run(steps=steps, progress=False)
        spikes = sum(len(probe.events) for probe in probes)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        limit_spikes = limit()
        theirs.append(time.perf_counter() - began)
        for other in others:
            other.run()
    seconds = statistics.median(ours)
    size = networks.neurons(net)
    return {
        "work": name,
        "neurons": size,
        "synapses": networks.synapses(net),
        "steps": steps,
        "build_s": build,
        "compile_s": compiling,
        "seconds": seconds,
        "us_per_step": 1e6 * seconds / steps,
        "limit_s": statistics.median(theirs),
        "ratio_to_limit": statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
        "spikes": spikes,
        "limit_spikes": limit_spikes,
        "rate_hz": spikes / size / (steps * work.dt),
        **({"peers": [other.finish(ours) for other in others]} if peers else {}),
    }
