"""Nengo: neurons in units of their threshold, spikes of area one."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from bidl_sim.bench.peers.peer import Peer, Ready, Took
from bidl_sim.bench.peers.wiring import Wiring
from bidl_sim.core.network import Network


def cuba(net: Network, steps: int) -> Ready:
    """Its own LIF neuron, synapses as low-pass filters."""
    import nengo

    began = time.perf_counter()
    wiring = Wiring(net)
    size = wiring.size
    start = {"voltage": (wiring.v + 60) / 10}
    lif = nengo.LIF(0.02, 0.005, min_voltage=-1e9, initial_state=start)
    with nengo.Network() as model:
        neurons = _neurons(nengo, lif, np.full(size, 1.1))
        for source, tau in (("exc", 0.005), ("inh", 0.01)):
            offsets, targets, weight = wiring.joined(source).by_source(size)
            # the filter rises by this part of a spike, which is 1 / dt high
            jumps = weight / 10 * 1e-4 / -math.expm1(-1e-4 / tau)
            matrix = csr_matrix((jumps, targets, offsets), (size, size)).T.tocsr()
            transform = nengo.Sparse(matrix.shape, init=matrix)
            nengo.Connection(neurons, neurons, transform=transform, synapse=tau)
        nengo.Probe(neurons)
    return _ready(nengo, model, steps, 1e-4, began, "spikes at times within a step")


def chain(net: Network, steps: int) -> Ready:
    """A neuron type of its own; the leak at the beginning of a step, not at its end."""
    import nengo

    class Leaky(nengo.neurons.NeuronType):  # type: ignore[misc]
        spiking = True
        negative = False
        state = {"voltage": nengo.dists.Choice([0])}

        def step(self, dt: float, J: Any, output: Any, voltage: Any) -> None:  # noqa: N803
            voltage *= 0.9
            voltage += J
            fired = voltage > 1
            output[:] = fired / dt
            voltage[fired] = 0

        def max_rates_intercepts(self, gain: Any, bias: Any) -> Any:
            return gain, bias  # asked for while building, used for decoders alone

    began = time.perf_counter()
    wiring = Wiring(net)
    with nengo.Network() as model:
        before = None
        for place, synapses in zip(wiring.slices.values(), (None, *wiring.synapses), strict=True):
            neurons = _neurons(nengo, Leaky(), wiring.v[place])
            if synapses:
                weight = synapses.weight.reshape(100, 100).T * 1e-3
                nengo.Connection(before, neurons, transform=weight, synapse=0)
            nengo.Probe(neurons)
            before = neurons
    return _ready(nengo, model, steps, 1e-3, began)


def _neurons(nengo: Any, kind: Any, bias: Any) -> Any:
    """Neurons without an encoder in front."""
    return nengo.Ensemble(
        bias.size, 1, neuron_type=kind, gain=np.ones(bias.size), bias=bias
    ).neurons


def _ready(nengo: Any, model: Any, steps: int, dt: float, began: float, note: str = "") -> Ready:
    """Its probes keep every value of every step."""
    simulator = nengo.Simulator(model, dt=dt, progress_bar=False)

    def run() -> Took:
        simulator.reset()
        began = time.perf_counter()
        simulator.run_steps(steps, progress_bar=False)
        seconds = time.perf_counter() - began
        return Took(
            seconds, sum(int(np.count_nonzero(simulator.data[p])) for p in model.all_probes)
        )

    return Ready(run, time.perf_counter() - began, note)


PEER = Peer("nengo", "nengo", {"cuba": cuba, "chain": chain})
