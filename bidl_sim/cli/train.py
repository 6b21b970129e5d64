"""``bidl train``: from a configuration file to a model file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bidl_sim.data import Recordings
    from bidl_sim.trainers.experiment import Experiment


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "train",
        help="train a network and write it to a file",
        epilog="Any key of CONFIG can be changed: --epochs 5, --train.optimizer.lr 1e-3.",
    )
    parser.add_argument("config", metavar="CONFIG", help="a TOML file, see examples/nmnist.toml")
    parser.add_argument("--data", metavar="DIR", help="folder or zip of recordings")
    parser.add_argument("--out", metavar="MODEL", help="default: the name of CONFIG with .net")
    parser.add_argument("--checkpoint", metavar="FILE", help="keep where the training stands here")
    parser.add_argument("--resume", action="store_true", help="go on from --checkpoint")
    parser.add_argument("--history", metavar="FILE", help="write JSON lines, one an epoch")
    parser.add_argument("--tensorboard", metavar="DIR", help="write for TensorBoard")
    return parser


def run(options: argparse.Namespace) -> int:
    """Train, export, and measure accuracy on the test recordings."""
    from bidl_sim.cli.evaluate import evaluate
    from bidl_sim.trainers.experiment import load_experiment

    if options.resume and not options.checkpoint:
        options.parser.error("--resume needs --checkpoint FILE")
    experiment = load_experiment(options.config, _overrides(options))
    out = options.out or f"{Path(options.config).stem}.net"
    recordings = experiment.data.load("train", options.data)
    names = ("checkpoint", "resume", "history", "tensorboard")
    train_to(out, experiment, recordings, **{name: getattr(options, name) for name in names})
    tests = experiment.data.load("test", options.data)
    found = evaluate(out, tests, "sim")
    print(f"wrote {out}, {Path(out).stat().st_size:,} bytes")
    print(f"test accuracy {100 * found['accuracy']:.2f} % of {found['samples']} recordings")
    return 0


def train_to(
    out: str, experiment: Experiment, recordings: Recordings, **where: Any
) -> list[dict[str, Any]]:
    """Train an experiment's network and write it to ``out``, with a line for every epoch."""
    import dataclasses

    from bidl_sim import __version__
    from bidl_sim.trainers.training import train_and_export

    checks = None
    if experiment.data.validation:
        recordings, checks = recordings.split(experiment.data.validation, experiment.data.seed)
    metadata = {
        "data": dataclasses.asdict(experiment.data),
        "classes": list(recordings.classes),
        "bidl_sim": __version__,
        "seed": experiment.train.seed,
    }
    net = experiment.build_network()
    epochs = experiment.train.epochs
    return train_and_export(
        net,
        recordings,
        checks,
        out,
        config=experiment.train,
        metadata=metadata,
        on_epoch=lambda epoch: print(epoch_line(epoch, epochs), flush=True),
        **where,
    )


def epoch_line(epoch: dict[str, Any], epochs: int) -> str:
    """One epoch in a line."""
    parts = [f"epoch {epoch['epoch']:>{len(str(epochs))}}/{epochs}"]
    for name in ("train", "val"):
        if f"{name}_loss" in epoch:
            parts.append(f"{name} loss {epoch[f'{name}_loss']:.3f}")
        if f"{name}_accuracy" in epoch:
            parts.append(f"{100 * epoch[f'{name}_accuracy']:5.1f} %")
    return "  ".join([*parts, f"{epoch['seconds']:.1f} s"])


def _overrides(options: argparse.Namespace) -> list[tuple[str, str]]:
    """``--key value`` and ``--key=value`` pairs that the parser left over."""
    found = []
    rest = list(options.rest)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            options.parser.error(f"unrecognized argument: {word}")
        key, equals, value = word[2:].partition("=")
        if not equals:
            if not rest:
                options.parser.error(f"{word} needs a value")
            value = rest.pop(0)
        found.append((key, value))
    return found
