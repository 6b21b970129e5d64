"""How long one frame of one sample takes in each runtime that this machine has."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bidl_sim.core.network import Network
from bidl_sim.errors import BidlError
from bidl_sim.netx import Runtime, load
from bidl_sim.netx.cpp.program import Program
from bidl_sim.netx.runtime import TARGETS
from bidl_sim.processes import LIF, AvgPool2d, Conv2d, Dense, Flatten, Input, TimeMean

WARM, STEPS, ROUNDS = 50, 300, 5
RATE = 0.05
"""Of events in a frame."""


def measure(model: str | None = None, steps: int | None = None) -> dict[str, Any]:
    """Median and 99th percentile of single steps; the runtimes take turns.

    Frames are random events, the same for all. Without a model it is a convolutional network of
    the size that N-MNIST recordings need.
    """
    network = load(model) if model else convolutional()
    steps = steps or STEPS
    circuit = network.build()
    path = circuit.inputs[0]
    rng = np.random.default_rng(0)
    shape = circuit.main_signal(path).shape
    frames = (rng.random((steps, *shape)) < RATE).astype(np.float32)
    machines, targets = {}, []
    for target in TARGETS.keys() - {"lynxi"}:  # which runs no network, but a compiled folder
        try:
            machines[target] = Runtime(network, target)
            _seconds(machines[target], frames[:WARM])
        except BidlError as error:
            machines.pop(target, None)
            targets.append({"target": target, "note": f"{error.where} {error.problem}"})
    taken: dict[str, list[float]] = {target: [] for target in machines}
    for _ in range(ROUNDS):
        for target, machine in machines.items():
            taken[target] += _seconds(machine, frames)
    rows = [
        {
            "target": target,
            "median_us": 1e6 * float(np.median(seconds)),
            "p99_us": 1e6 * float(np.percentile(seconds, 99)),
            "steps": len(seconds),
        }
        for target, seconds in taken.items()
    ]
    return {
        "work": "runtime",
        "model": model or "convolutional",
        "targets": [*rows, _program(network, path, frames), *targets],
    }


def _program(network: Network, path: str, frames: Any) -> dict[str, Any]:
    """The C++ program, which times its own steps."""
    try:
        program = Program(network)
        program.run({path: frames[None]}, len(frames))
    except BidlError as error:
        return {"target": "cpp", "note": f"{error.where} {error.problem}"}
    median, late = program.latency
    return {"target": "cpp", "median_us": median, "p99_us": late, "steps": len(frames)}


def convolutional() -> Network:
    """Two convolutions and a dense layer on frames of 34 x 34 pixels and two polarities."""
    return Network.sequential(
        *(Input((2, 34, 34)), Conv2d(2, 16, 3, padding=1), LIF(alpha=0.9, v_th=0.5), AvgPool2d(2)),
        *(Conv2d(16, 32, 3, padding=1), LIF(alpha=0.9, v_th=0.5), AvgPool2d(2)),
        *(Flatten(), Dense(32 * 8 * 8, 10), TimeMean()),
        seed=0,
    )


def _seconds(machine: Runtime, frames: Any) -> list[float]:
    """Of each step of a sample."""
    machine.reset()
    taken = []
    for frame in frames:
        start = time.perf_counter()
        machine.step(frame)
        taken.append(time.perf_counter() - start)
    return taken
