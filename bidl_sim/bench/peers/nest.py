"""NEST: neurons and synapses made one by one in its kernel, with one or more threads."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bidl_sim.bench.peers.peer import Peer, Ready, Took
from bidl_sim.bench.peers.wiring import Synapses, Wiring
from bidl_sim.core.network import Network

BALANCED = {
    "C_m": 20.0, "tau_m": 20.0, "tau_syn_ex": 5.0, "tau_syn_in": 10.0, "E_L": -49.0,
    "V_th": -50.0, "V_reset": -60.0, "t_ref": 5.0, "I_e": 0.0,
}  # fmt: skip
"""Neurons of 20 pF and 20 ms: a current of 1 pA stands for 1 mV."""

PAIRS = {
    "tau_plus": 20.0, "lambda": 0.01, "alpha": 1.05, "mu_plus": 0.0, "mu_minus": 0.0, "Wmax": 3.24,
}  # fmt: skip


def cuba(net: Network, steps: int, threads: int) -> Ready:
    """Synapses of one kind share their weight."""
    wiring = Wiring(net)

    def build(nest: Any) -> Any:
        neurons = nest.Create("iaf_psc_exp", wiring.size, BALANCED)
        neurons.V_m = wiring.v
        for source in ("exc", "inh"):
            _connect(nest, wiring.joined(source), 0.1)
        return neurons

    return _ready(build, steps, 0.1, threads, "spikes arrive a step later")


def stdp(net: Network, steps: int, threads: int) -> Ready:
    """As `cuba`, with the additive form of its own rule."""
    wiring = Wiring(net)

    def build(nest: Any) -> Any:
        neurons = nest.Create("iaf_psc_exp", wiring.size, {**BALANCED, "tau_minus": 20.0})
        neurons.V_m = wiring.v
        _connect(nest, wiring.joined("inh"), 0.1)
        _connect(nest, wiring.joined("exc", "inh"), 0.1)
        learned = wiring.joined("exc", "exc")
        nest.CopyModel("stdp_synapse", "learned", {**PAIRS, "weight": 1.62, "delay": 0.1})
        pairs = (learned.pre + 1, learned.post + 1)
        nest.Connect(*pairs, conn_spec="one_to_one", syn_spec={"synapse_model": "learned"})
        return neurons

    return _ready(build, steps, 0.1, threads, "spikes arrive a step later; weights change at them")


def brunel(net: Network, steps: int, threads: int) -> Ready:
    """One generator that sends each neuron random spikes of its own."""
    wiring = Wiring(net)
    drive: Any = net.processes["exc_drive"]
    neuron = {
        "C_m": 1.0, "tau_m": 20.0, "E_L": 0.0, "V_th": 20.0, "V_reset": 10.0, "t_ref": 2.0,
    }  # fmt: skip

    def build(nest: Any) -> Any:
        neurons = nest.Create("iaf_psc_delta", wiring.size, neuron)
        neurons.V_m = wiring.v
        generator = nest.Create("poisson_generator", params={"rate": 10_000 * float(drive.rate)})
        nest.Connect(generator, neurons, syn_spec={"weight": float(drive.size), "delay": 0.1})
        for source in ("exc", "inh"):
            _connect(nest, wiring.joined(source), 0.1)
        return neurons

    return _ready(build, steps, 0.1, threads, "random numbers of its own")


def chain(net: Network, steps: int, threads: int) -> Ready:
    """The leak at the beginning of a step, not at its end."""
    wiring = Wiring(net)
    tau = -1 / math.log(0.9)
    neuron = {
        "C_m": tau, "tau_m": tau, "E_L": 0.0, "V_th": 1.0, "V_reset": 0.0, "t_ref": 0.0, "V_m": 0.0,
    }  # fmt: skip

    def build(nest: Any) -> Any:
        neurons = nest.Create("iaf_psc_delta", wiring.size, neuron)
        neurons.I_e = wiring.v / (1 - 0.9)
        _connect(nest, wiring.joined(), 1.0)
        return neurons

    return _ready(build, steps, 1.0, threads)


def _connect(nest: Any, connections: Synapses, dt: float) -> None:
    """Synapses of one weight share it."""
    delay = connections.delay * dt
    weights = connections.weight.astype(float)
    synapse: dict[str, Any] = {"weight": weights, "delay": np.full(weights.size, delay)}
    if (weights == weights[0]).all():
        synapse = {"synapse_model": f"from_{connections.source}"}
        shared = {"weight": weights[0], "delay": delay}
        nest.CopyModel("static_synapse_hom_w", synapse["synapse_model"], shared)
    pairs = (connections.pre + 1, connections.post + 1)
    nest.Connect(*pairs, conn_spec="one_to_one", syn_spec=synapse)


def _ready(
    build: Callable[[Any], Any], steps: int, dt: float, threads: int, note: str = ""
) -> Ready:
    """Its kernel has no way back to the start, so every run builds the network again."""
    os.environ.setdefault("PYNEST_QUIET", "1")
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR

    def run() -> Took:
        began = time.perf_counter()
        nest.ResetKernel()
        nest.set(resolution=dt, local_num_threads=threads)
        neurons = build(nest)
        recorder = nest.Create("spike_recorder")
        nest.Connect(neurons, recorder)
        nest.Prepare()
        ready = time.perf_counter()
        nest.Run(steps * dt)
        done = time.perf_counter()
        nest.Cleanup()
        return Took(done - ready, int(recorder.n_events), before=ready - began)

    return Ready(run, note=note)


WORKS = {"cuba": cuba, "stdp": stdp, "brunel": brunel, "chain": chain}
PEERS = (
    Peer("nest", "nest-simulator", WORKS, {"threads": 1}),
    Peer("nest-2-threads", "nest-simulator", WORKS, {"threads": 2}),
)
