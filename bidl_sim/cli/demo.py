"""``bidl demo``: the whole job on the built-in data."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bidl_sim.data import gestures

if TYPE_CHECKING:
    from bidl_sim.trainers.experiment import Experiment

SHOWN = 4
"""The picture shows one circling hand, the fifth class."""


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "demo", help="train, export, load, simulate, verify and draw, on built-in data"
    )
    parser.add_argument("--quick", action="store_true", help="less data and fewer epochs")
    parser.add_argument("--out", default="out", metavar="DIR", help="where to write (default: out)")
    return parser


def run(options: argparse.Namespace) -> int:
    """Do the main job and print what happens."""
    from bidl_sim import netx
    from bidl_sim.cli.evaluate import evaluate
    from bidl_sim.cli.picture import draw
    from bidl_sim.cli.train import train_to

    began = time.perf_counter()
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    model, picture = folder / "gestures.net", folder / "gestures.png"

    _head("data", "hand gestures seen by a simulated event camera")
    experiment = gestures_experiment(options.quick)
    recordings, tests = (experiment.data.load(split) for split in ("train", "test"))
    shape = "x".join(map(str, recordings.frames.shape[2:]))
    print(
        f"{len(recordings)} + {len(tests)} recordings, {len(recordings.classes)} classes, "
        f"{recordings.frames.shape[1]} steps of {shape}"
    )

    _head("train", "backpropagation through time")
    train_to(str(model), experiment, recordings, history=folder / "gestures.jsonl")

    _head("export and load", str(model))
    print(netx.info(model))

    _head("simulate", f"one recording, a probe on the membrane; picture in {picture}")
    draw(model, tests.frames[SHOWN], tests.classes[tests.labels[SHOWN]], tests.classes, picture)

    _head("verify", "every way to run it, spike by spike")
    report = netx.verify(model, tests.frames[:16], cpp=not options.quick)
    print(report)

    _head("result", "")
    found = evaluate(str(model), tests, "sim")
    print(f"accuracy {100 * found['accuracy']:.1f} % on {found['samples']} unseen recordings")
    print(f"{time.perf_counter() - began:.0f} s in all")
    return 0 if report.ok else 1


def gestures_experiment(quick: bool) -> Experiment:
    """A convolutional network on the built-in gestures."""
    from bidl_sim.data import DataConfig, Framing
    from bidl_sim.trainers import (
        Experiment,
        FiringRate,
        OptimizerConfig,
        SchedulerConfig,
        TrainConfig,
    )

    neuron = {"type": "LIF", "alpha": 0.9, "v_th": 1.0, "reset": "soft"}
    conv = {"type": "Conv2d", "stride": 2, "bias": False}
    network = [
        {"type": "Input", "shape": [2, *gestures.SIZE]},
        {**conv, "in_channels": 2, "out_channels": 12, "kernel_size": 5, "padding": 2},
        {"type": "BatchNorm"},
        neuron,
        {**conv, "in_channels": 12, "out_channels": 24, "kernel_size": 3, "padding": 1},
        {"type": "BatchNorm"},
        neuron,
        {"type": "Flatten"},
        {"type": "Dense", "in_features": 24 * 7 * 7, "out_features": 64, "bias": False},
        {"type": "BatchNorm"},
        neuron,
        {"type": "Dense", "in_features": 64, "out_features": len(gestures.CLASSES)},
        {"type": "TimeMean"},
    ]
    return Experiment(
        network,
        DataConfig(recordings=160 if quick else 640, framing=Framing(bins=24)),
        TrainConfig(
            epochs=6 if quick else 8,
            optimizer=OptimizerConfig(lr=5e-3),
            scheduler=SchedulerConfig("OneCycleLR"),
            firing_rate=FiringRate(weight=20.0, high=0.08),
        ),
    )


def _head(title: str, note: str) -> None:
    print(f"\n{title}{': ' if note else ''}{note}", flush=True)
