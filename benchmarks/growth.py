"""How cost grows with neurons, synapses, simulated time and batch: python benchmarks/growth.py.

One table each, or those that are named: `neurons`, `synapses`, `time`, `batch`. Medians of runs
after a first one, all spikes recorded; the last column is what would stay the same if cost grew in
proportion.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator

import torch

from bidl_sim import Network, Simulator
from bidl_sim.bench import networks
from bidl_sim.processes import LIF, CurrentLIF, Dense, Input, Poisson, Sparse
from bidl_sim.table import table
from bidl_sim.trainers import Unroll

RUNS = 5
Row = tuple[str | float, ...]


def median(run: Callable[[], object]) -> float:
    """Seconds of a run."""
    run()
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def simulated(net: Network, steps: int) -> tuple[float, int]:
    """Seconds and spikes of a run from the start."""
    sim = Simulator(net, engine="event")
    names = [name for name, process in net.processes.items() if hasattr(process, "v_th")]
    probes = [sim.probe(f"{name}.s_out") for name in names]

    def run() -> None:
        sim.reset()
        sim.run(steps=steps, progress=False)

    return median(run), sum(len(probe.events) for probe in probes)


def trained(net: Network, x: torch.Tensor) -> float:
    """Seconds of a training step."""
    model = Unroll(net)
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)

    def step() -> None:
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()

    return median(step)


def ran(net: Network, engine: str, x: torch.Tensor) -> float:
    """Seconds of a run from the start over inputs."""
    sim = Simulator(net, engine=engine)

    def run() -> None:
        sim.reset()
        sim.run(x, progress=False)

    return median(run)


def neurons() -> Iterator[Row]:
    """CUBA, 80 synapses a neuron, 1 s in steps of 0.1 ms."""
    yield "neurons", "synapses", "seconds", "Hz", "ns a neuron and step"
    for n in (1000, 4000, 16_000, 64_000):
        net = networks.cuba(n)
        seconds, spikes = simulated(net, 10_000)
        yield n, networks.synapses(net), seconds, spikes / n, 1e9 * seconds / n / 10_000


def synapses() -> Iterator[Row]:
    """1000 Poisson sources of 40 Hz onto 4000 neurons, 1 s in steps of 0.1 ms."""
    yield "a neuron", "synapses", "seconds", "Hz", "ns a spike and synapse, beyond 20 a neuron"
    least = 0.0
    for degree in (20, 80, 320, 1280):
        net = Network()
        source = net.add(Poisson(1000, rate=0.004, name="source"))
        target = net.add(CurrentLIF(n=4000, v_rest=-60.0, name="target"))
        weight = 50 / degree  # in the mean 10 mV for all, which is the threshold
        synapse = net.add(Sparse.fixed_in_degree(1000, 4000, degree, weight=weight, seed=1))
        net.connect(source, synapse)
        net.connect(synapse, target.in_ports["e_in"])
        seconds, spikes = simulated(net, 10_000)
        least = least or seconds
        events = 40 * 4000 * max(degree - 20, 1)
        yield degree, 4000 * degree, seconds, spikes / 4000, 1e9 * (seconds - least) / events


def simulated_time() -> Iterator[Row]:
    """CUBA, 4000 neurons, steps of 0.1 ms."""
    yield "s simulated", "seconds", "Hz", "seconds a second"
    for seconds in (0.1, 1, 10, 100):
        took, spikes = simulated(networks.cuba(), round(10_000 * seconds))
        yield seconds, took, spikes / 4000 / seconds, took / seconds


def batch() -> Iterator[Row]:
    """Dense 512 to 512 and LIF, 100 steps: a training step, and runs on each engine."""
    yield "samples", "training s", "torch s", "event s", "ms a sample, training", "torch", "event"
    net = Network.sequential(Input(512), Dense(512, 512, bias=False), LIF(alpha=0.8, v_th=1.0))
    for size in (1, 4, 16, 64):
        x = torch.rand(size, 100, 512, generator=torch.Generator().manual_seed(0)) < 0.1
        took = [trained(net, x.float()), *(ran(net, e, x.float()) for e in ("torch", "event"))]
        yield size, *took, *(1000 * seconds / size for seconds in took)


TABLES = {"neurons": neurons, "synapses": synapses, "time": simulated_time, "batch": batch}

if __name__ == "__main__":
    for name in sys.argv[1:] or TABLES:
        print(TABLES[name].__doc__)
        head, *rows = TABLES[name]()
        cells = [[f"{x:,}" if isinstance(x, int) else f"{x:.4g}" for x in row] for row in rows]
        print(table([[str(h) for h in head], *cells], left=0), "\n")
