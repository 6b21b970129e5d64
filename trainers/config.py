"""How a network is trained, as plain typed data."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bidl_sim.core.schedule import SCHEDULES
from bidl_sim.errors import ConfigError
from bidl_sim.processes.quantization import FORMATS
from bidl_sim.trainers.augment import Augment
from bidl_sim.trainers.losses import LOSSES, CrossEntropy, FiringRate

PRECISIONS = ("float32", "bfloat16", "float16")


def _check_arguments(
    what: str, module: Any, base: type, name: str, options: dict[str, Any]
) -> None:
    kind = getattr(module, name, None)
    if not (inspect.isclass(kind) and issubclass(kind, base)):
        known = [n for n in dir(module) if inspect.isclass(getattr(module, n)) and n[0] != "_"]
        known = [n for n in known if issubclass(getattr(module, n), base) and n != base.__name__]
        raise ConfigError(f"{what}, type", f"unknown {name!r}; known: {', '.join(known)}")
    taken = inspect.signature(kind).parameters
    for option in options:
        if option not in taken:
            raise ConfigError(
                f"{what}, {option}", f"{name} takes no such argument; takes: {', '.join(taken)}"
            )


@contextmanager
def _named(what: str) -> Iterator[None]:
    """Say which part of the configuration torch refused."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise ConfigError(what, str(error).splitlines()[0]) from None


@dataclass(frozen=True)
class OptimizerConfig:
    """A torch optimiser: its name in `torch.optim`, the learning rate, and its other arguments."""

    type: str = "AdamW"
    lr: float = 1e-3
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        import torch

        if not 0 < self.lr < math.inf:
            raise ConfigError("optimizer, lr", f"must be positive and finite, got {self.lr}")
        _check_arguments("optimizer", torch.optim, torch.optim.Optimizer, self.type, self.options)
        needs = inspect.signature(getattr(torch.optim, self.type).step).parameters["closure"]
        if needs.default is inspect.Parameter.empty:
            raise ConfigError(
                "optimizer, type",
                f"{self.type} needs the loss many times a step, which is not done",
            )

    def __call__(self, parameters: Any) -> Any:
        """The optimiser for some parameters."""
        import torch

        with _named("optimizer"):
            return getattr(torch.optim, self.type)(parameters, lr=self.lr, **self.options)


@dataclass(frozen=True)
class SchedulerConfig:
    """How the learning rate moves: a name in `torch.optim.lr_scheduler`, or "" to keep it.

    It steps once per batch. Where its class takes them, ``total_steps`` and ``T_max`` are the
    number of batches and ``max_lr`` is the optimiser's lr, unless given.
    """

    type: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from torch.optim import lr_scheduler

        if self.type:
            base = lr_scheduler.LRScheduler
            _check_arguments("scheduler", lr_scheduler, base, self.type, self.options)
            if "metrics" in inspect.signature(getattr(lr_scheduler, self.type).step).parameters:
                raise ConfigError(
                    "scheduler, type", f"{self.type} follows a metric, which is not done"
                )

    def __call__(self, optimizer: Any, lr: float, total_steps: int) -> Any:
        """The scheduler, or None."""
        from torch.optim import lr_scheduler

        if not self.type:
            return None
        kind = getattr(lr_scheduler, self.type)
        known = {"total_steps": total_steps, "T_max": total_steps, "max_lr": lr}
        taken = inspect.signature(kind).parameters
        options = {name: value for name, value in known.items() if name in taken}
        with _named("scheduler"):
            return kind(optimizer, **{**options, **self.options})


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained.

    Parameters
    ----------
    epochs, batch_size, seed
    optimizer, scheduler
        Names and arguments of torch's own.
    loss, firing_rate, augment
        See `bidl_sim.trainers.losses` and `Augment`.
    schedule : "process" or "timestep"
    device
        As torch names it.
    precision : "float32", "bfloat16" or "float16"
        Format of the synapses' arithmetic (autocast); potentials and weights stay float32.
    loss_scale
        Where the scaling of gradients begins with float16; it adapts from there.
    clip_grad
        Largest norm of the gradient, 0 for no limit.
    truncate
        Backpropagate through at most this many timesteps, 0 for all.
    segment, bits
        Memory for arithmetic: see `Unroll`.
    quantize : "", "int8", "int4" or "float16"
        Train with rounded weights: sets this option of all synapses that have it.
    """

    epochs: int = 10
    batch_size: int = 32
    seed: int = 0
    optimizer: OptimizerConfig = OptimizerConfig()
    scheduler: SchedulerConfig = SchedulerConfig()
    loss: Any = field(default=CrossEntropy(), metadata={"types": LOSSES})
    firing_rate: FiringRate = FiringRate()
    augment: Augment = Augment()
    schedule: str = "process"
    device: str = "cpu"
    precision: str = "float32"
    loss_scale: float = 512.0
    clip_grad: float = 0.0
    truncate: int = 0
    segment: int = 0
    bits: bool = False
    quantize: str = ""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"train, {name}", f"must be at least 1, got {getattr(self, name)}"
                )
        for name in ("seed", "clip_grad", "truncate", "segment"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"train, {name}", f"must be at least 0, got {getattr(self, name)}"
                )
        if not callable(self.loss):
            raise ConfigError("train, loss", f"must be one of {', '.join(LOSSES)} or a function")
        choices = (
            ("schedule", SCHEDULES),
            ("precision", PRECISIONS),
            ("quantize", ("", *FORMATS)),
        )
        for name, known in choices:
            if getattr(self, name) not in known:
                given = getattr(self, name)
                raise ConfigError(f"train, {name}", f"must be one of {known}, got {given!r}")
