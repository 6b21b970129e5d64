"""Steps per second of lava-dl's published networks: python benchmarks/lava_nets.py FOLDER.

FOLDER holds ``oxford/network.net``, ``tiny.net``, ``pilotnet_sdnn/network.net`` and their inputs.
Each network runs with Lava's timing and arithmetic: one sample, 32 equal ones, 32 different ones
(the first, moved). They take turns; the median of seven is shown, after one that compiles. A
sample alone has one thread, so a batch should take 32 times as long over the number of threads.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median

import numpy as np

from bidl_sim import Network, Simulator, netx

RUNS, BATCH = 7, 32


def batches(frames: np.ndarray) -> list[np.ndarray]:
    """One sample, equal ones, and different ones: each moved by one place more."""
    moved = np.stack([np.roll(frames, k, axis=-1) for k in range(BATCH)])
    return [frames[None], np.repeat(frames[None], BATCH, 0), moved]


def measure(net: Network, frames: np.ndarray) -> list[float]:
    """Seconds of each of the batches."""
    given = batches(frames)
    sims = [Simulator(net) for _ in given]
    seconds: list[list[float]] = [[] for _ in given]
    for _ in range(RUNS + 1):
        for sim, values, found in zip(sims, given, seconds, strict=True):
            sim.reset()
            began = time.perf_counter()
            sim.run(values, progress=False)
            found.append(time.perf_counter() - began)
    return [median(found[1:]) for found in seconds]


def works(folder: Path, steps: int) -> dict[str, tuple[Network, np.ndarray]]:
    """Networks by name, and what they are given."""
    oxford = netx.load(folder / "oxford" / "network.net", pipeline=True, as_lava=True)
    spikes = np.load(folder / "dense" / "in.npy").T.astype(float)
    tiny = netx.load(folder / "tiny.net", pipeline=True, as_lava=True, reset_interval=17)
    bias = np.load(folder / "tinynet" / "input_bias.npy").T
    pilotnet = netx.load(folder / "pilotnet_sdnn" / "network.net", pipeline=True, as_lava=True)
    frame = np.load(folder / "pilotnet_sdnn" / "input.npy").T.astype(float)
    moving = np.stack([np.roll(frame[0], k // 4, axis=-1) for k in range(steps)])
    return {
        "oxford": (oxford, spikes[:steps]),
        "tiny": (tiny, np.repeat(bias[None], steps, 0)),
        "pilotnet, a frame held": (pilotnet, np.repeat(frame, steps, 0)),
        "pilotnet, moved every fourth step": (pilotnet, moving),
    }


def main() -> None:
    """Print a line for each network."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=400)
    arguments = parser.parse_args()
    for name, (net, frames) in works(arguments.folder, arguments.steps).items():
        one, same, different = measure(net, frames)
        times = f"{same / one:.1f} times as long, different ones {different / one:.1f}"
        print(f"{name:36}{len(frames) / one:9,.0f} steps/s   {BATCH} samples take {times}")


if __name__ == "__main__":
    main()
