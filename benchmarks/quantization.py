"""Accuracy with weights of few bits: rounded, and trained so, beside more training in float32.

python benchmarks/quantization.py [--data FOLDER_OR_ZIP] [--epochs 15] [--tuning 3] [--seeds 0 1 2]

With recordings of N-MNIST, the network of `examples/nmnist.toml` learns three quarters of the
training recordings, and is measured on the rest and the test recordings. Without, the network of
`bidl demo` learns generated gestures, and is measured on others.

python benchmarks/quantization.py --model MODEL [--data FOLDER_OR_ZIP]

The share of spikes that rounding moves, by population of a trained model, on its test recordings.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import numpy as np

from bidl_sim import Network, Neuron, Simulator, netx
from bidl_sim.cli.demo import gestures_experiment
from bidl_sim.cli.evaluate import evaluate
from bidl_sim.cli.files import recorded_data
from bidl_sim.data import Recordings
from bidl_sim.netx.graph import to_network, to_record
from bidl_sim.processes.quantization import FORMATS
from bidl_sim.trainers import Experiment, OptimizerConfig, TrainConfig, load_experiment, train
from bidl_sim.typing import Array

CONFIG = Path(__file__).parent.parent / "examples" / "nmnist.toml"


def task(data: str | None, seed: int, epochs: int) -> tuple[Experiment, Recordings, Recordings]:
    """The experiment, what it learns, and what it has not seen."""
    if data is None:
        experiment = gestures_experiment(quick=False)
        return experiment, experiment.data.load("train"), experiment.data.load("test")
    changes = [("train.seed", str(seed)), ("train.epochs", str(epochs))]
    experiment = load_experiment(CONFIG, changes)
    seen, rest = experiment.data.load("train", data).split(0.25, seed)
    tests = experiment.data.load("test", data)
    frames, labels = (
        np.concatenate([getattr(part, name) for part in (rest, tests)])
        for name in ("frames", "labels")
    )
    return experiment, seen, Recordings(frames, labels, tests.classes)


def tuned(net: Network, seen: Recordings, epochs: int, weights: str, seed: int) -> Network:
    """A copy of the network, trained on."""
    again = to_network(to_record(net), "a copy")
    config = TrainConfig(
        epochs=epochs, seed=seed, optimizer=OptimizerConfig(lr=3e-4), quantize=weights
    )
    train(again, seen, None, config, progress=False)
    return again


def moved(model: str, tests: Recordings) -> None:
    """Print a line for each format of the weights and of the arithmetic."""
    net = netx.load(model)

    def spikes(weights: str, arithmetic: str) -> list[Array]:
        made = netx.quantize(net, weights) if weights else net
        sim = Simulator(made, dtype=arithmetic)
        processes = made.build().processes.items()
        probes = [sim.probe(f"{path}.s_out") for path, p in processes if isinstance(p, Neuron)]
        sim.run(tests.frames, progress=False)
        return [probe.data for probe in probes]

    wanted = spikes("", "float32")
    print("weights   arithmetic  moved spikes, by population")
    for weights, arithmetic in (*((w, "float32") for w in FORMATS), ("", "float16")):
        found = zip(spikes(weights, arithmetic), wanted, strict=True)
        shares = "  ".join(f"{100 * np.mean(a != b) / np.mean(b):6.2f} %" for a, b in found)
        print(f"{weights or 'float32':8}  {arithmetic:10}  {shares}", flush=True)


def main() -> None:
    """Print a line for each seed and format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--tuning", type=int, default=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--model")
    options = parser.parse_args()
    if options.model:
        moved(options.model, recorded_data(options.model, options.data, "test"))
        return
    print("seed  weights   rounded  trained  unseen")
    for seed in options.seeds:
        experiment, seen, unseen = task(options.data, seed, options.epochs)
        net = experiment.build_network()
        net.seed = seed
        train(net, seen, None, experiment.train, progress=False)
        for weights in ("", *FORMATS):
            made = netx.quantize(net, weights) if weights else net
            found = [
                100 * evaluate(each, unseen, "sim")["accuracy"]
                for each in (made, tuned(net, seen, options.tuning, weights, seed))
            ]
            name = weights or "float32"
            print(
                f"{seed:4d}  {name:8} {found[0]:6.2f} % {found[1]:6.2f} %  {len(unseen)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
