"""Training benchmarks: a step of ours beside the same with ReLU, or a hand-written kernel."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numba
import numpy as np
import torch
from torch import nn

from bidl_sim.bench import peak
from bidl_sim.bench.layers import Step, inputs, layers, training_step
from bidl_sim.bench.peers.entrant import Entrant
from bidl_sim.bench.peers.peer import Peer, timed
from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.engines.torch.unroll import Unroll
from bidl_sim.processes import (
    LIF,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Flatten,
    Input,
    TimeSum,
)

RUNS = 9


def _lif() -> LIF:
    """V = 0.8 v + x, a spike at 1, reset to 0."""
    return LIF(alpha=0.8, v_th=1.0)


def lif() -> tuple[Step, Step]:
    """A million neurons alone, 60 steps; the limit is written by hand for this neuron."""
    x = inputs("lif")
    ours = training_step("lif", Unroll(Network.sequential(Input(62_500), _lif())), x)
    values, g = x.detach().numpy(), torch.randn(x.shape).numpy()
    spikes, to_x = np.empty(x.shape, np.float32), np.empty(x.shape, np.float32)

    def limit() -> None:
        _forward(values, spikes)
        _backward(values, g, to_x)

    return ours, limit


def linear_lif() -> tuple[Step, Step]:
    """Dense 512 to 512 and its neurons, 16 samples of 500 steps; the limit has ReLU."""
    net = Network.sequential(Input(512), Dense(512, 512, bias=False), _lif())
    return _beside_relu("linear_lif", net)


def convlif() -> tuple[Step, Step]:
    """Three blocks of convolution, norm, neurons and pool, on 4 samples of 60 steps."""
    found: list[Process] = [Input((2, 40, 40))]
    for before, after in pairwise((2, 64, 128, 256)):
        found += [Conv2d(before, after, 3, padding=1, bias=False), BatchNorm(), _lif()]
        found += [AvgPool2d(2)]
    found += [Flatten(), Dense(256 * 25, 256), _lif(), Dense(256, 11), _lif(), TimeSum()]
    return _beside_relu("convlif", Network.sequential(*found))


def _beside_relu(work: str, net: Network) -> tuple[Step, Step]:
    x = inputs(work)
    plain = layers(work, nn.ReLU)
    limit = training_step(work, plain, x.flatten(0, 1))
    return training_step(work, Unroll(net).train(), x), limit


@numba.njit(parallel=True, fastmath=True)
def _forward(x, spikes):  # type: ignore[no-untyped-def]
    samples, steps, neurons = x.shape
    for part in numba.prange(samples * ((neurons + 1023) // 1024)):
        b, first = part % samples, part // samples * 1024
        size = min(1024, neurons - first)
        v = np.zeros(1024, np.float32)
        for t in range(steps):
            row, out = x[b, t, first : first + size], spikes[b, t, first : first + size]
            for n in range(size):
                u = v[n] + row[n]
                fired = u > np.float32(1)
                out[n] = np.float32(1) if fired else np.float32(0)
                v[n] = np.float32(0) if fired else np.float32(0.8) * u


@numba.njit(parallel=True, fastmath=True)
def _backward(x, g, to_x):  # type: ignore[no-untyped-def]
    samples, steps, neurons = x.shape
    for part in numba.prange(samples * ((neurons + 1023) // 1024)):
        b, first = part % samples, part // samples * 1024
        size = min(1024, neurons - first)
        u = np.zeros((steps, 1024), np.float32)
        v, back = np.zeros(1024, np.float32), np.zeros(1024, np.float32)
        for t in range(steps):
            row, now = x[b, t, first : first + size], u[t]
            for n in range(size):
                now[n] = v[n] + row[n]
                v[n] = np.float32(0) if now[n] > np.float32(1) else np.float32(0.8) * now[n]
        for k in range(steps):
            t = steps - 1 - k
            now, down = u[t], g[b, t, first : first + size]
            out = to_x[b, t, first : first + size]
            for n in range(size):
                over = np.float32(np.pi) * (now[n] - np.float32(1))
                bump = np.float32(1) / (np.float32(1) + over * over)
                kept = np.float32(0) if now[n] > np.float32(1) else np.float32(1)
                leak = np.float32(0.8) * back[n]
                back[n] = (down[n] - leak * now[n]) * bump + leak * kept
                out[n] = back[n]


WORKS = {"lif": lif, "linear_lif": linear_lif, "convlif": convlif}


def measure(name: str, peers: Sequence[Peer] = ()) -> dict[str, Any]:
    """Medians of alternating runs; memory is measured in processes of their own."""
    ours, limit = WORKS[name]()
    first = timed(ours)
    limit()
    others = [Entrant(peer, name) for peer in peers]
    for other in others:
        other.warm_up()
    mine, theirs = [], []
    for _ in range(RUNS):
        mine.append(timed(ours).seconds)
        theirs.append(timed(limit).seconds)
        for other in others:
            other.run()
    rows = [other.finish(mine) for other in others]
    for row in rows:
        if row["seconds"] is not None:
            row["peak_memory_mb"] = peak.in_a_child(name, row["peer"])
    return {
        "work": name,
        "compile_s": first.seconds,
        "seconds": statistics.median(mine),
        "limit_s": statistics.median(theirs),
        "ratio_to_limit": statistics.median(a / b for a, b in zip(mine, theirs, strict=True)),
        "peak_memory_mb": peak.in_a_child(name, peak.OURS),
        **({"peers": rows} if peers else {}),
    }
