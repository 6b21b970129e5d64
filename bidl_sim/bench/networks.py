"""Reference networks, built from processes as a user would."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.processes import LIF, CurrentLIF, DeltaLIF, Dense, PairSTDP, Poisson, Sparse
from bidl_sim.typing import Array

SHARE = {"exc": 0.8, "inh": 0.2}
"""Four of five neurons excite."""


def cuba(neurons: int = 4000, seed: int = 1) -> Network:
    """Balanced network with current synapses: 80 synapses a neuron, dt = 0.1 ms.

    References
    ----------
    Vogels and Abbott (2005), as benchmark 2 of Brette et al., J. Comput. Neurosci. 23 (2007).
    """
    rng = np.random.default_rng(seed)
    net = Network()
    populations = {
        name: net.add(
            CurrentLIF(
                n=round(share * neurons),
                name=name,
                initial={"v": rng.uniform(-60, -50, round(share * neurons)).astype(np.float32)},
            )
        )
        for name, share in SHARE.items()
    }
    for number, (source, weight, port) in enumerate((("exc", 1.62, "e_in"), ("inh", -9.0, "i_in"))):
        for target, population in populations.items():
            synapse = net.add(
                Sparse.fixed_probability(
                    populations[source],
                    population,
                    80 / neurons,
                    weight=np.float32(weight),
                    seed=100 * seed + 10 * number + len(target + source),
                    name=f"{source}_to_{target}",
                )
            )
            _join(populations[source], synapse, population, port, 1)
    return net


def stdp(neurons: int = 4000, seed: int = 1) -> Network:
    """`cuba` whose exciting synapses among exciting neurons learn by pair STDP.

    They start at 1.62 mV, within 0 and 3.24 mV; a pair changes a weight by 1 % of the upper bound,
    weakening 1.05 times as much as strengthening.
    """
    net = cuba(neurons, seed)
    exc: Any = net.processes["exc"]
    synapse: Any = net.processes["exc_to_exc"]
    synapse.weight = np.full(synapse.targets.shape, 1.62, np.float32)
    rule = PairSTDP(a_plus=0.0324, a_minus=1.05 * 0.0324, w_max=3.24, name="stdp")
    net.add(rule).learn_between(exc, synapse, exc)
    return net


def brunel(neurons: int = 12_500, seed: int = 1) -> Network:
    """Asynchronous irregular network with delta synapses: in-degree a tenth, delay 1.5 ms.

    References
    ----------
    Brunel, J. Comput. Neurosci. 8 (2000), model A with g = 5, eta = 2.
    """
    rng = np.random.default_rng(seed)
    net = Network()
    sizes = {name: round(share * neurons) for name, share in SHARE.items()}
    jump = 0.1 * 10_000 / sizes["exc"]
    events = 2 * 20 / (jump * 20) * 0.1  # eta theta / (J tau_m) a ms, in a step of 0.1 ms
    populations = {}
    for name, size in sizes.items():
        start = {"v": rng.uniform(10, 20, size).astype(np.float32)}
        populations[name] = net.add(DeltaLIF(n=size, name=name, initial=start))
        drive = net.add(Poisson(size, rate=events, counts=True, size=jump, name=f"{name}_drive"))
        net.connect(drive, populations[name])
    for source, weight in (("exc", jump), ("inh", -5 * jump)):
        for target, population in populations.items():
            synapse = net.add(
                Sparse.fixed_in_degree(
                    populations[source],
                    population,
                    sizes[source] // 10,
                    weight=np.float32(weight),
                    seed=100 * seed + len(net.processes),
                    name=f"{source}_to_{target}",
                )
            )
            _join(populations[source], synapse, population, "a_in", 15)
    return net


def chain_weights() -> tuple[Array, Array]:
    """Bias of a population ``(100,)`` and weights between them ``(9, out, in)``."""
    rng = np.random.default_rng(0)
    return 0.12 + 0.08 * np.arange(100) / 99, rng.normal(0, 0.02, (9, 100, 100))


def chain() -> Network:
    """Ten populations of 100 in a row, each dense to the next with a delay of one step."""
    bias, weights = chain_weights()
    net = Network()
    populations = [
        net.add(LIF(n=100, alpha=0.9, beta=bias, v_th=1.0, initial={"v": bias}, name=f"p{k}"))
        for k in range(10)
    ]
    for k, weight in enumerate(weights):
        synapse = net.add(Dense(100, 100, weight=weight, bias=False, name=f"to_p{k + 1}"))
        _join(populations[k], synapse, populations[k + 1], "a_in", 1)
    return net


def _join(source: Process, synapse: Process, target: Process, port: str, delay: int) -> None:
    source.out_ports["s_out"].connect(synapse.in_ports["s_in"])
    synapse.out_ports["a_out"].connect(target.in_ports[port], delay=delay)


def synapses(net: Network) -> int:
    """Connections between single neurons."""
    circuit = net.build()
    counts = (p.fan_out(circuit.main_signal(path)) for path, p in circuit.processes.items())
    return sum(int(np.sum(c)) for c in counts if c is not None)


def neurons(net: Network) -> int:
    """Neurons of all populations."""
    circuit = net.build()
    paths = (p for p, process in circuit.processes.items() if hasattr(process, "v_th"))
    return sum(math.prod(circuit.signals[f"{p}.s_out"].shape) for p in paths)
