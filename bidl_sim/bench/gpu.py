"""Neurons on a GPU beside copying: a training step moves five sequences, and computes little."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from bidl_sim.core.network import Network
from bidl_sim.engines.torch.unroll import Unroll
from bidl_sim.errors import StateError
from bidl_sim.processes import LIF, Input
from bidl_sim.trainers.memory import peak_memory_mb

RUNS = 9
SHAPE = (16, 60, 500_000)
"""Eight million neurons of 60 steps, 1.9 GB a sequence: larger than any cache."""

PASSES = {"forward": 2, "backward": 3}
"""Sequences moved: x read and s written; x and the gradient of s read, that of x written."""


def measure(name: str = "gpu") -> dict[str, Any]:
    """Medians of alternating runs; the limit is a copy on the device of as many bytes."""
    if not torch.cuda.is_available():
        raise StateError("bidl bench gpu", "there is no GPU that torch can use")
    device = torch.device("cuda")
    torch.manual_seed(0)
    x, g = (torch.randn(SHAPE, device=device) for _ in range(2))
    given, copy = x.clone().requires_grad_(), torch.empty_like(x)
    model = Unroll(Network.sequential(Input(SHAPE[-1]), LIF(alpha=0.8, v_th=1.0))).to(device)
    taken: dict[str, list[float]] = {"forward": [], "backward": [], "copy": []}
    first = 0.0
    for run in range(RUNS + 1):
        given.grad = None
        forward, spikes = _timed(model, given)
        backward, _ = _timed(spikes.backward, g)
        copying, _ = _timed(copy.copy_, x)
        if run == 0:  # the run that compiles
            first = forward + backward
            continue
        for part, seconds in zip(taken, (forward, backward, copying), strict=True):
            taken[part].append(seconds)
    median = {part: statistics.median(seconds) for part, seconds in taken.items()}
    ours, limit = median["forward"] + median["backward"], sum(PASSES.values()) / 2 * median["copy"]
    rates = {
        f"{part}_gb_per_s": sequences * x.nbytes / median[part] / 1e9
        for part, sequences in {**PASSES, "copy": 2}.items()
    }
    return {
        "work": name,
        "device": torch.cuda.get_device_name(device),
        "compile_s": first,
        "seconds": ours,
        "limit_s": limit,
        "ratio_to_limit": ours / limit,
        **rates,
        "peak_memory_mb": peak_memory_mb(device),
    }


def _timed(work: Callable[[Any], Any], argument: Any) -> tuple[float, Any]:
    torch.cuda.synchronize()
    began = time.perf_counter()
    result = work(argument)
    torch.cuda.synchronize()
    return time.perf_counter() - began, result
