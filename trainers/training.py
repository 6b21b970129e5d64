"""Train a network and write it to a file."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from bidl_sim import netx
from bidl_sim.core.network import Network
from bidl_sim.errors import ConfigError, StateError
from bidl_sim.netx.replace import check_folder
from bidl_sim.trainers import checkpoint as checkpoints
from bidl_sim.trainers.batches import Batches
from bidl_sim.trainers.bptt import Trainer
from bidl_sim.trainers.config import TrainConfig
from bidl_sim.trainers.history import Epoch, History


def train_and_export(
    net: Network,
    train_data: Any,
    val_data: Any,
    path: str | Path,
    *,
    epochs: int | None = None,
    lr: float | None = None,
    config: TrainConfig | None = None,
    metadata: dict[str, Any] | None = None,
    **options: Any,
) -> list[Epoch]:
    """Train by BPTT, put the parameters into ``net`` and write it to ``path``.

    Parameters
    ----------
    net
        Trained in place.
    train_data, val_data
        See `Batches`; ``val_data`` may be None, then the last epoch's parameters are kept,
        otherwise those of the epoch with the best validation accuracy (or loss).
    path
        The file to write, see `bidl_sim.netx.save`.
    epochs, lr
        Short for the fields of ``config`` and of its optimiser.
    config
        How to train, see `TrainConfig`.
    metadata
        Kept in the file beside the network.
    **options
        Fields of `TrainConfig` (``batch_size=64, loss=MSERate()``), and ``history``,
        ``tensorboard``, ``checkpoint``, ``resume``, ``progress``, ``on_epoch`` of `train`.

    Returns
    -------
    One dict per epoch: ``epoch``, ``lr``, ``train_loss``, ``train_accuracy``, ``val_loss``,
    ``val_accuracy``, ``seconds``, ``samples_per_second``, ``peak_memory_mb``.
    """
    fields = {f.name for f in dataclasses.fields(TrainConfig)}
    changes = {name: options.pop(name) for name in list(options) if name in fields}
    if epochs is not None:
        changes["epochs"] = epochs
    config = dataclasses.replace(config or TrainConfig(), **changes)
    if lr is not None:
        config = dataclasses.replace(config, optimizer=dataclasses.replace(config.optimizer, lr=lr))
    known = {*fields, *inspect.signature(train).parameters} - {"net", "train_data", "val_data"}
    for name in options:
        if name not in known:
            raise ConfigError(
                f"train_and_export, {name}", f"is unknown; known: {', '.join(sorted(known))}"
            )
    check_folder(path)
    history = train(net, train_data, val_data, config, **options)
    netx.save(net, path, metadata=metadata)
    return history


def train(
    net: Network,
    train_data: Any,
    val_data: Any = None,
    config: TrainConfig | None = None,
    *,
    history: str | Path | None = None,
    tensorboard: str | Path | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> list[Epoch]:
    """Train ``net`` in place; see `train_and_export`.

    Parameters
    ----------
    history
        Write JSON lines to this file.
    tensorboard
        Write for TensorBoard into this folder.
    checkpoint
        Write where the training stands to this file after each epoch.
    resume
        Go on from ``checkpoint`` if it exists; the losses are those of a training in one go.
    progress
        Show a bar on a terminal.
    on_epoch
        Called with each epoch's numbers.
    """
    config = config or TrainConfig()
    if checkpoint:
        check_folder(checkpoint)
    batches = Batches("train_data", train_data, config.batch_size, shuffle=True)
    checks = None
    if val_data is not None:
        checks = Batches("val_data", val_data, config.batch_size, shuffle=False)
    trainer = Trainer(net, config, len(batches))
    best = _Best()
    done: list[Epoch] = []
    if resume and checkpoint and Path(checkpoint).exists():
        done = _resume(checkpoint, trainer, best)
    record = History(history, tensorboard, done)
    from tqdm import tqdm

    rest = range(len(done), config.epochs)
    bar = tqdm(total=len(rest) * len(batches), unit="batch", disable=None if progress else True)
    with bar:
        for number in rest:
            bar.set_description(f"epoch {number + 1}/{config.epochs}")
            epoch: Epoch = {"epoch": number + 1, "lr": trainer.optimizer.param_groups[0]["lr"]}
            measured = trainer.train_epoch(number, batches, lambda loss: _advance(bar, loss))
            epoch.update({f"train_{k}": v for k, v in measured.items() if k in _SCORES})
            if checks is not None:
                found = trainer.evaluate(checks)
                epoch.update({f"val_{k}": v for k, v in found.items() if k in _SCORES})
            epoch.update({k: v for k, v in measured.items() if k not in _SCORES})
            record.add(epoch)
            best.see(epoch, trainer.model)
            if checkpoint:
                _save(checkpoint, trainer, best, record.epochs)
            if on_epoch:
                on_epoch(epoch)
    if best.parameters is not None:
        trainer.model.load_state_dict(best.parameters)
    trainer.write_back()
    return record.epochs


_SCORES = ("loss", "accuracy")


class _Best:
    """The parameters of the epoch that did best in validation."""

    def __init__(self) -> None:
        self.score: list[float] = []
        self.parameters: dict[str, torch.Tensor] | None = None

    def see(self, epoch: Epoch, model: torch.nn.Module) -> None:
        if "val_loss" not in epoch:
            return
        score = [epoch.get("val_accuracy", 0.0), -epoch["val_loss"]]
        if not self.score or score > self.score:
            self.score = score
            self.parameters = {k: v.detach().clone() for k, v in model.state_dict().items()}


def _advance(bar: Any, loss: float) -> None:
    bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
    bar.update()


def _save(path: str | Path, trainer: Trainer, best: _Best, epochs: list[Epoch]) -> None:
    scheduler = trainer.scheduler
    checkpoints.save(
        path,
        {
            "model": dict(trainer.model.state_dict()),
            "optimizer": trainer.optimizer.state_dict(),
            "scheduler": scheduler.state_dict() if scheduler else None,
            "scaler": trainer.scaler.state_dict(),
            "best": {"score": best.score, "parameters": best.parameters},
            "epochs": epochs,
        },
    )


def _resume(path: str | Path, trainer: Trainer, best: _Best) -> list[Epoch]:
    content = checkpoints.load(path)
    try:
        trainer.model.load_state_dict(content["model"])
        trainer.optimizer.load_state_dict(content["optimizer"])
        if trainer.scheduler is not None:
            trainer.scheduler.load_state_dict(content["scheduler"])
        trainer.scaler.load_state_dict(content["scaler"])
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise StateError(f"checkpoint {path}", f"does not fit this network: {reason}") from None
    best.score = content["best"]["score"]
    best.parameters = content["best"]["parameters"]
    epochs: list[Epoch] = content["epochs"]
    return epochs
