"""``bidl quantize``: weights that take few bits, and what they cost."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bidl_sim.cli.options import READ, declare, given
from bidl_sim.table import table

if TYPE_CHECKING:
    from bidl_sim.core.network import Network
    from bidl_sim.data import Recordings


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "quantize",
        help="write a model with weights that take few bits",
        epilog="For the numbers of lava-dl see bidl convert --quantize.",
    )
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--weights", default="int8", help="int8 (default), int4 or float16")
    parser.add_argument("--skip", nargs="+", default=[], metavar="PATH", help="leave these as is")
    parser.add_argument("--data", metavar="DIR", help="folder or zip of recordings")
    parser.add_argument("--split", default="test", help="accuracy on test (default) or train")
    parser.add_argument("--epochs", type=int, default=0, help="of training with rounded weights")
    parser.add_argument("--lr", type=float, default=3e-4, help="learning rate (default 3e-4)")
    parser.add_argument("--batch-size", type=int, default=32, help="of the training (default 32)")
    parser.add_argument("--seed", type=int, default=0, help="of the training (default 0)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    declare(parser, READ)
    return parser


def run(options: argparse.Namespace) -> int:
    """Round, train if asked to, write the file, and print sizes, accuracies and errors."""
    from bidl_sim import netx

    if Path(options.out).resolve() == Path(options.model).resolve():
        options.parser.error("MODEL and OUT are one file, and the given weights would be lost")
    said = given(options, READ)
    net = netx.load(options.model, **said)
    recordings = _recordings(options, net, said)
    rounded = netx.quantize(net, options.weights, options.skip)
    netx.save(rounded, options.out)
    models = [
        _model("given", net, options.model, recordings),
        _model("rounded", rounded, options.out, recordings),
    ]
    layers = _layers(net, rounded)
    if options.epochs:
        trained = _trained(options, said)
        netx.save(trained, options.out)
        models.append(_model("trained", trained, options.out, recordings))
    if options.json:
        print(json.dumps({"out": options.out, "models": models, "layers": layers}))
        return 0
    print(_table(models, 2, bytes=_count, accuracy=_percent))
    where = f"on {len(recordings)} recordings" if recordings else "not measured, pass --data"
    print(f"\naccuracy {where}; errors of rounding:\n")
    numbers = {"weights": _count, "scales": _count, "largest": _number, "error": _number}
    print(_table(layers, 1, **numbers, relative=_percent))
    print(f"\nwrote {options.out}")
    return 0


def _recordings(
    options: argparse.Namespace, net: Network, said: dict[str, Any]
) -> Recordings | None:
    """What accuracy is measured on; None without a data set, or without its files."""
    from bidl_sim.cli.files import data_config, recorded_data

    asked = options.data or options.epochs
    if not asked and ("data" not in net.metadata or data_config(options.model, **said).needs_files):
        return None
    return recorded_data(options.model, options.data, options.split, **said)


def _trained(options: argparse.Namespace, said: dict[str, Any]) -> Network:
    """The network, trained with rounded weights from the given ones on."""
    from bidl_sim import netx
    from bidl_sim.cli.files import recorded_data
    from bidl_sim.cli.train import epoch_line
    from bidl_sim.netx.quantize import use
    from bidl_sim.trainers import OptimizerConfig, TrainConfig, train

    net = netx.load(options.model, **said)
    use(net, options.weights, options.skip)
    train(
        net,
        recorded_data(options.model, options.data, "train", **said),
        config=TrainConfig(
            epochs=options.epochs,
            batch_size=options.batch_size,
            seed=options.seed,
            optimizer=OptimizerConfig(lr=options.lr),
        ),
        on_epoch=None
        if options.json
        else lambda e: print(epoch_line(e, options.epochs), flush=True),
    )
    return net


def _model(name: str, net: Network, path: str, recordings: Recordings | None) -> dict[str, Any]:
    """One line of the first table."""
    from bidl_sim.cli.evaluate import evaluate
    from bidl_sim.netx.quantize import roundable

    kinds = {str(s.quantize or s.weight.dtype) for s in roundable(net).values()}
    weights = ", ".join(sorted(kinds))
    accuracy = evaluate(net, recordings, "sim")["accuracy"] if recordings else None
    size = Path(path).stat().st_size
    return {"model": name, "weights": weights, "bytes": size, "accuracy": accuracy}


def _layers(given: Network, rounded: Network) -> list[dict[str, Any]]:
    """The second table: how far rounding moved the weights of each synapse."""
    import numpy as np

    from bidl_sim.netx.quantize import roundable

    before, lines = roundable(given), []
    for path, synapse in roundable(rounded).items():
        if isinstance(synapse.quantize, str):
            used = np.asarray(before[path].effective_weight(before[path].parameters()), float)
            largest, error = np.abs(used).max(), np.abs(synapse.weight - used).max()
            lines.append(
                {
                    "process": path,
                    "weights": used.size,
                    "scales": 0 if synapse.scale is None else synapse.scale.size,
                    "largest": float(largest),
                    "error": float(error),
                    "relative": float(error / largest) if largest else 0.0,
                }
            )
    return lines


def _table(lines: list[dict[str, Any]], left: int, **shown: Callable[[Any], str]) -> str:
    """Dicts with the same keys as a table; what is None is left empty."""
    rows = [list(lines[0])]
    for line in lines:
        cells = ((shown.get(name, str), value) for name, value in line.items())
        rows.append(["" if value is None else show(value) for show, value in cells])
    return table(rows, left)


def _count(number: int) -> str:
    return f"{number:,}"


def _number(value: float) -> str:
    return f"{value:.3g}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
