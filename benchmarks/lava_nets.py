"""Steps per second of lava-dl's published networks: python benchmarks/lava_nets.py FOLDER.

FOLDER holds ``oxford/network.net``, ``tiny.net``, ``pilotnet_sdnn/network.net`` and their inputs.
Each network runs with Lava's timing and arithmetic, one sample and 32; the median of seven runs is
shown, after one that compiles.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median

import numpy as np

from bidl_sim import Network, Simulator, netx

RUNS = 7


def measure(net: Network, frames: np.ndarray, batch: int) -> float:
    """Steps per second, of all samples together."""
    sim = Simulator(net)
    given = np.repeat(frames[None], batch, 0)
    seconds = []
    for _ in range(RUNS + 1):
        sim.reset()
        began = time.perf_counter()
        sim.run(given, progress=False)
        seconds.append(time.perf_counter() - began)
    return len(frames) / median(seconds[1:])


def works(folder: Path) -> dict[str, tuple[Network, np.ndarray]]:
    """Networks by name, and what they are given."""
    oxford = netx.load(folder / "oxford" / "network.net", pipeline=True, as_lava=True)
    spikes = np.load(folder / "dense" / "in.npy").T.astype(float)
    tiny = netx.load(folder / "tiny.net", pipeline=True, as_lava=True, reset_interval=17)
    bias = np.load(folder / "tinynet" / "input_bias.npy").T
    pilotnet = netx.load(folder / "pilotnet_sdnn" / "network.net", pipeline=True, as_lava=True)
    frame = np.load(folder / "pilotnet_sdnn" / "input.npy").T.astype(float)
    moving = np.stack([np.roll(frame[0], k // 4, axis=-1) for k in range(400)])
    return {
        "oxford": (oxford, spikes),
        "tiny": (tiny, np.repeat(bias[None], 1000, 0)),
        "pilotnet, a frame held": (pilotnet, np.repeat(frame, 400, 0)),
        "pilotnet, moved every fourth step": (pilotnet, moving),
    }


def main() -> None:
    """Print a line for each network."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    for name, (net, frames) in works(parser.parse_args().folder).items():
        one, many = (measure(net, frames, batch) for batch in (1, 32))
        longer = one / many
        print(f"{name:36}{one:12,.0f} steps/s   32 samples take {longer:.1f} times as long")


if __name__ == "__main__":
    main()
