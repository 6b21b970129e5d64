"""Training benchmarks: a step of ours beside the same with ReLU, or a hand-written kernel."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor, nn

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
from bidl_sim.trainers.memory import peak_memory_mb

RUNS = 9
Step = Callable[[], Any]


def _lif() -> LIF:
    """V = 0.8 v + x, a spike at 1, reset to 0."""
    return LIF(alpha=0.8, v_th=1.0)


def linear_lif() -> tuple[Step, Step]:
    """Dense 512 to 512 and its neurons, 16 samples of 500 steps; the limit has ReLU."""
    torch.manual_seed(0)
    x = torch.randn(16, 500, 512)
    model = Unroll(Network.sequential(Input(512), Dense(512, 512, bias=False), _lif()))
    plain = nn.Sequential(nn.Linear(512, 512, bias=False), nn.ReLU())
    return _trained(model, x), _trained(plain, x)


def convlif() -> tuple[Step, Step]:
    """Three blocks of convolution, norm, neurons and pool, on 4 samples of 60 steps."""
    torch.manual_seed(0)
    x = (torch.rand(4, 60, 2, 40, 40) < 0.1).float()
    layers: list[Process] = [Input((2, 40, 40))]
    plain: list[nn.Module] = [nn.Flatten(0, 1)]
    for before, after in pairwise((2, 64, 128, 256)):
        layers += [Conv2d(before, after, 3, padding=1, bias=False), BatchNorm(), _lif()]
        plain += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after)]
        layers += [AvgPool2d(2)]
        plain += [nn.ReLU(), nn.AvgPool2d(2)]
    layers += [Flatten(), Dense(256 * 25, 256), _lif(), Dense(256, 11), _lif(), TimeSum()]
    plain += [nn.Flatten(), nn.Linear(256 * 25, 256), nn.ReLU(), nn.Linear(256, 11), nn.ReLU()]
    model = Unroll(Network.sequential(*layers)).train()
    return _trained(model, x), _trained(nn.Sequential(*plain), x)


def _trained(model: nn.Module, x: Tensor) -> Step:
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)

    def step() -> None:
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()

    return step


def lif() -> tuple[Step, Step]:
    """A million neurons alone, 60 steps; the limit is written by hand for this neuron."""
    torch.manual_seed(0)
    x, g = torch.randn(16, 60, 62_500), torch.randn(16, 60, 62_500)
    model = Unroll(Network.sequential(Input(62_500), _lif()))
    given = x.clone().requires_grad_()

    def ours() -> None:
        given.grad = None
        model(given).backward(g)

    spikes, to_x = np.empty(x.shape, np.float32), np.empty(x.shape, np.float32)

    def limit() -> None:
        _forward(x.numpy(), spikes)
        _backward(x.numpy(), g.numpy(), to_x)

    return ours, limit


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


def measure(name: str) -> dict[str, Any]:
    """Medians of alternating runs."""
    ours, limit = WORKS[name]()
    began = time.perf_counter()
    ours()
    first = time.perf_counter() - began
    limit()
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(RUNS):
        for step, taken in ((ours, mine), (limit, theirs)):
            began = time.perf_counter()
            step()
            taken.append(time.perf_counter() - began)
    return {
        "work": name,
        "compile_s": first,
        "seconds": statistics.median(mine),
        "limit_s": statistics.median(theirs),
        "ratio_to_limit": statistics.median(a / b for a, b in zip(mine, theirs, strict=True)),
        "peak_memory_mb": peak_memory_mb(torch.device("cpu")),
    }
