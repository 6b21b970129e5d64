"""Accuracy on N-MNIST, by cross-validation over the training recordings and on the test recordings.

python benchmarks/nmnist.py --data FOLDER_OR_ZIP [--folds 4] [--seeds 0 1 2]

Cross-validation trains on all folds but one and measures on that one, which the network has not
seen. Then, for each seed, a network is trained on all training recordings and measured on the
test ones.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sized
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import numpy as np

from bidl_sim.cli.evaluate import evaluate
from bidl_sim.data import Recordings
from bidl_sim.trainers import load_experiment, train_and_export

CONFIG = Path(__file__).parent.parent / "examples" / "nmnist.toml"


def accuracy(seed: int, recordings: Recordings, unseen: Recordings) -> tuple[float, float]:
    """Train on some recordings, measure on others: accuracy and minutes of training."""
    experiment = load_experiment(CONFIG, [("train.seed", str(seed))])
    with tempfile.TemporaryDirectory() as folder:
        model = f"{folder}/nmnist.net"
        began = time.perf_counter()
        net = experiment.build_network()
        train_and_export(net, recordings, None, model, config=experiment.train)
        minutes = (time.perf_counter() - began) / 60
        return evaluate(model, unseen, "sim")["accuracy"], minutes


def _line(name: str, value: float, unseen: Sized, minutes: float) -> str:
    return f"{name}: {100 * value:.2f} % of {len(unseen)}, {minutes:.1f} min"


def main() -> None:
    """Print a line for every network, and the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    data = load_experiment(CONFIG).data
    recordings, tests = (data.load(split, options.data) for split in ("train", "test"))

    if options.folds > 1:
        parts = np.array_split(np.random.default_rng(0).permutation(len(recordings)), options.folds)
        found = []
        for k, held_back in enumerate(parts):
            rest = np.concatenate([part for j, part in enumerate(parts) if j != k])
            value, minutes = accuracy(k, recordings.part(rest), recordings.part(held_back))
            found.append(value)
            print(_line(f"fold {k}", value, held_back, minutes), flush=True)
        print(f"cross-validation: {100 * statistics.mean(found):.2f} %", flush=True)

    found = []
    for seed in options.seeds:
        value, minutes = accuracy(seed, recordings, tests)
        found.append(value)
        print(_line(f"seed {seed}", value, tests, minutes), flush=True)
    print(f"test recordings: {100 * statistics.mean(found):.2f} %")


if __name__ == "__main__":
    main()
