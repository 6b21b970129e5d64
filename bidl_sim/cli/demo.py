"""``bidl demo``: the whole job on the built-in data."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bidl_sim.data import Recordings
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
    from bidl_sim.cli.train import train_to

    began = time.perf_counter()
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    model, picture = folder / "gestures.net", folder / "gestures.png"

    _head("data", "hand gestures seen by a simulated event camera")
    experiment = _experiment(options.quick)
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
    _draw(model, tests, picture)

    _head("verify", "every way to run it, spike by spike")
    report = netx.verify(model, tests.frames[:16])
    print(report)

    _head("result", "")
    found = evaluate(str(model), tests, "sim")
    print(f"accuracy {100 * found['accuracy']:.1f} % on {found['samples']} unseen recordings")
    print(f"{time.perf_counter() - began:.0f} s in all")
    return 0 if report.ok else 1


def _experiment(quick: bool) -> Experiment:
    """A convolutional network on the built-in gestures."""
    from bidl_sim.data import DataConfig, Framing
    from bidl_sim.trainers.config import OptimizerConfig, SchedulerConfig, TrainConfig
    from bidl_sim.trainers.experiment import Experiment

    neuron = {"type": "LIF", "alpha": 0.8, "v_th": 0.5, "reset": "soft"}
    network = [
        {"type": "Input", "shape": [2, 28, 28]},
        {
            "type": "Conv2d",
            "in_channels": 2,
            "out_channels": 12,
            "kernel_size": 5,
            "padding": 2,
            "stride": 2,
        },
        {"type": "BatchNorm"},
        neuron,
        {"type": "Conv2d", "in_channels": 12, "out_channels": 24, "kernel_size": 3, "padding": 1},
        {"type": "BatchNorm"},
        {"type": "AvgPool2d", "kernel_size": 2},
        neuron,
        {"type": "Flatten"},
        {"type": "Dense", "in_features": 24 * 7 * 7, "out_features": 64},
        neuron,
        {"type": "Dense", "in_features": 64, "out_features": 8},
        {"type": "TimeMean"},
    ]
    return Experiment(
        network,
        DataConfig(recordings=160 if quick else 640, framing=Framing(bins=16)),
        TrainConfig(
            epochs=3 if quick else 10,
            optimizer=OptimizerConfig(lr=4e-3),
            scheduler=SchedulerConfig("OneCycleLR"),
        ),
    )


def _draw(model: Path, tests: Recordings, picture: Path) -> None:
    """Simulate one recording and draw events, spikes and membrane traces."""
    from bidl_sim import netx, plots
    from bidl_sim.errors import MissingExtraError
    from bidl_sim.simulator import Simulator

    simulator = Simulator(netx.load(model))
    events = simulator.probe("input1.s_out")
    hidden = simulator.probe("lif2.s_out")
    spikes = simulator.probe("lif3.s_out")
    potential = simulator.probe("lif3.v", index=slice(4))
    answer = simulator.run(tests.frames[SHOWN])
    label, said = tests.classes[tests.labels[SHOWN]], tests.classes[int(answer.argmax())]
    print(f"a hand moving {label}; the network says {said}")
    try:
        import matplotlib as mpl
    except ImportError:
        raise MissingExtraError("the picture", "matplotlib", "plot") from None
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(10, 6.4), layout="constrained")
    for ax, probe, title in (
        (axes[0, 0], events, "events, 2x28x28 pixels"),
        (axes[0, 1], hidden, "spikes of lif2, 24x7x7 neurons"),
        (axes[1, 0], spikes, "spikes of lif3, 64 neurons"),
    ):
        plots.raster(probe.data > 0, probe.steps, ax).set_title(title, loc="left", fontsize=10)
    plots.trace(potential.data, potential.steps, axes[1, 1], threshold=0.5)
    axes[1, 1].set_title("potential of four neurons of lif3", loc="left", fontsize=10)
    figure.suptitle(f"a hand moving {label}; the network says {said}", x=0.01, ha="left")
    figure.savefig(picture, dpi=130)
    plt.close(figure)


def _head(title: str, note: str) -> None:
    print(f"\n{title}{': ' if note else ''}{note}", flush=True)
