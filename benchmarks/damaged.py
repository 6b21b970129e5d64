"""Damages model files at random and reads them: errors, crashes, the slowest, the largest.

``python benchmarks/damaged.py FILE ... [--count 1000]``. Half of the damages are bytes changed or
cut off, half are members of the file removed, linked elsewhere, or replaced by other shapes and
types. Every reading is to end as a network or a `FormatError`, within 5 s, with less than 1 GB.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import h5py
import numpy as np

from bidl_sim import netx
from bidl_sim.errors import BidlError, FormatError

SECONDS, BYTES = 5.0, 1 << 30
PART = 50
"""Files that one process reads."""


def bytes_changed(path: Path, rng: np.random.Generator) -> None:
    """Change some bytes, most of them where the structure of the file is, or cut it short."""
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    if rng.random() < 0.15:
        path.write_bytes(data[: rng.integers(len(data))].tobytes())
        return
    front = min(len(data), 40_000) if rng.random() < 0.8 else len(data)
    places = rng.integers(front, size=2 ** rng.integers(7))
    data[places] = rng.choice([0, 255, *rng.integers(256, size=4)], size=len(places))
    path.write_bytes(data.tobytes())


def members_changed(path: Path, rng: np.random.Generator) -> None:
    """Remove, link elsewhere or replace one or a few members."""
    with h5py.File(path, "a") as file:
        for _ in range(2 ** rng.integers(3)):
            names: list[str] = []
            file.visit(names.append)
            if not names:
                return
            name, other = rng.choice(names, 2)
            old = file[name]
            small = isinstance(old, h5py.Dataset) and old.size < 1 << 24
            value = old[()] if small else None
            del file[name]
            change(file, name, other, value, rng)


def change(file: h5py.File, name: str, other: str, value: object, rng: np.random.Generator) -> None:
    """Put something else where a member was."""
    match rng.integers(9):
        case 0:
            pass  # it is gone
        case 1:
            file[name] = h5py.SoftLink(f"/{other}")
        case 2:
            file[name] = h5py.ExternalLink("other.net", f"/{other}")
        case 3:
            file[name] = file["/"]  # a cycle
        case 4 if other in file:
            file[name] = file[other]
        case 5:
            file.create_dataset(name, (1 << 40,), "f8", chunks=(1 << 20,))  # huge, and empty
        case 6 if isinstance(value, np.ndarray) and value.size:
            file[name] = np.concatenate([value, value])  # twice as long: edges too
        case 7:
            file[name] = rng.choice([np.nan, np.inf, -1.0, 1e300, 0.0], size=rng.integers(1, 4))
        case _:
            file[name] = "text"


def read_all(source: str, options: dict[str, float], seeds: Iterable[int]) -> list[tuple]:
    """For each seed: what came of it, the seconds, and a message if it is not to be."""
    warnings.simplefilter("ignore", UserWarning)  # what a file leaves open
    warnings.simplefilter("error", RuntimeWarning)  # what numpy could not do
    found = []
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for seed in seeds:
            rng = np.random.default_rng(seed)
            path = Path(folder) / Path(source).name
            path.write_bytes(Path(source).read_bytes())
            (bytes_changed if seed % 2 else members_changed)(path, rng)
            start, message = time.perf_counter(), ""
            try:
                netx.load(path, **options)
                outcome = "read"
            except FormatError:
                outcome = "refused"
            except Exception as error:
                outcome = "escaped"
                message = f"seed {seed}: {type(error).__name__}: {error}"
                outcome += " as another BidlError" * isinstance(error, BidlError)
            seconds = time.perf_counter() - start
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            found.append((outcome, seconds, 1024 * (after - before), message))
    return found


def main() -> None:
    """Damage, read, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--count", type=int, default=1000, help="damaged copies of each file")
    parser.add_argument("--dt", type=float, default=1e-3, help="timestep in s for NIR files")
    options = parser.parse_args()
    for source in options.files:
        given = {"dt": options.dt} if source.endswith(".nir") else {}
        count, slowest, largest = Counter[str](), 0.0, 0
        for first in range(0, options.count, PART):
            seeds = range(first, min(first + PART, options.count))
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                try:
                    parts = pool.submit(read_all, source, given, seeds).result()
                except BrokenProcessPool:
                    count["crashed"] += 1
                    print(f"  a crash in seeds {seeds}")
                    continue
            for outcome, seconds, size, message in parts:
                count[outcome] += 1
                slowest, largest = max(slowest, seconds), max(largest, size)
                if message:
                    print(f"  {message}")
        bad = count.total() - count["read"] - count["refused"]
        verdict = "as promised" if not bad and slowest < SECONDS and largest < BYTES else "BROKEN"
        shown = ", ".join(f"{n} {what}" for what, n in sorted(count.items()))
        print(f"{source}: {shown}; slowest {slowest:.2f} s, +{largest / 1e6:.0f} MB: {verdict}")


if __name__ == "__main__":
    main()
