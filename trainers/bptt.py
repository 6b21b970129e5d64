"""Backpropagation through time over the unrolled network."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from bidl_sim.core.network import Network
from bidl_sim.core.neuron import Neuron
from bidl_sim.engines.torch.place import place
from bidl_sim.engines.torch.unroll import Carry, Unroll
from bidl_sim.errors import DataError
from bidl_sim.netx.quantize import settle, use
from bidl_sim.trainers.batches import Batches
from bidl_sim.trainers.config import TrainConfig
from bidl_sim.trainers.losses import rate
from bidl_sim.trainers.memory import peak_memory_mb
from bidl_sim.trainers.outputs import each, samples

Metrics = dict[str, float]


class Trainer:
    """One network being trained: model, optimiser, scheduler, and one epoch at a time.

    Everything random in epoch e follows from (seed, e), so an interrupted training goes on as if
    it had not stopped.
    """

    def __init__(self, net: Network, config: TrainConfig, batches: int) -> None:
        self.config = config
        if config.quantize:
            use(net, config.quantize)
        self.device, _ = place("train", config.device, None)
        memory: Any = {"segment": config.segment, "bits": config.bits}
        self.model = Unroll(net, config.schedule, config.seed, **memory).to(self.device)
        learned = [p for p in self.model.parameters() if p.requires_grad]
        if not learned:
            raise DataError("train", "the network has no parameter to learn", "set learn= on some")
        self.optimizer = config.optimizer(learned)
        self.scheduler = config.scheduler(
            self.optimizer, config.optimizer.lr, config.epochs * batches
        )
        half = config.precision == "float16"
        self.scaler = torch.amp.GradScaler(
            self.device.type, init_scale=config.loss_scale, enabled=half
        )
        self.watched = self._watched() if config.firing_rate.weight else ()

    def train_epoch(
        self, number: int, batches: Batches, after_batch: Callable[[float], None]
    ) -> Metrics:
        """One pass over the data; ``after_batch`` is told the loss of each batch."""
        self.model.train()
        total = _Totals()
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(self.config.seed * 1_000_003 + number)
            for inputs, targets in batches:
                inputs, targets = self._on_device(inputs), self._on_device(targets)
                if isinstance(inputs, Tensor):
                    inputs = self.config.augment(inputs)
                output, loss = self._learn(inputs, targets)
                total.add(output, targets, loss)
                after_batch(loss)
        return {**total.metrics(), "peak_memory_mb": peak_memory_mb(self.device)}

    def evaluate(self, batches: Batches) -> Metrics:
        """Loss and accuracy without training."""
        self.model.eval()
        total = _Totals()
        with torch.no_grad():
            for inputs, targets in batches:
                targets = self._on_device(targets)
                with self._autocast():
                    output = self.model(self._on_device(inputs))
                    loss = self.config.loss(output, targets)
                total.add(output, targets, float(loss))
        return total.metrics()

    def write_back(self) -> None:
        """Put what was learned into the network, rounded weights as they were used."""
        self.model.write_back()
        settle(self.model.network)

    def _learn(self, inputs: Any, targets: Any) -> tuple[Any, float]:
        """Forward, backward and one step of the optimiser; the output and the loss."""
        self.optimizer.zero_grad(set_to_none=True)
        carry: Carry | None = None
        loss_sum = 0.0
        for part, share in self._parts(inputs):
            with self._autocast():
                output, recorded, carry = self.model.advance(part, carry, self.watched)
                loss = self.config.loss(output, targets)
                if self.watched:
                    loss = loss + self.config.firing_rate(recorded)
            found = loss.item()
            if not math.isfinite(found):
                raise DataError("train", f"the loss is {found}", "lower lr, or set clip_grad")
            self.scaler.scale(loss * share).backward()
            carry = carry.detach()
            loss_sum += found * share
        if self.config.clip_grad:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_grad)
        scale = self.scaler.get_scale()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.scheduler is not None and self.scaler.get_scale() >= scale:
            self.scheduler.step()
        return each(Tensor.detach, output), loss_sum

    def _parts(self, inputs: Any) -> Iterator[tuple[Any, float]]:
        """The sequence, or its pieces for truncated BPTT, each with its share of the steps."""
        first_input = next(iter(inputs.values())) if isinstance(inputs, dict) else inputs
        steps, piece = first_input.shape[1], self.config.truncate
        if not 0 < piece < steps:
            yield inputs, 1.0
            return
        for first in range(0, steps, piece):
            part = slice(first, min(first + piece, steps))
            share = (part.stop - part.start) / steps
            if isinstance(inputs, dict):
                yield {name: values[:, part] for name, values in inputs.items()}, share
            else:
                yield inputs[:, part], share

    def _autocast(self) -> Any:
        kinds = {"bfloat16": torch.bfloat16, "float16": torch.float16}
        kind = kinds.get(self.config.precision, torch.bfloat16)
        return torch.autocast(self.device.type, kind, enabled=self.config.precision != "float32")

    def _on_device(self, values: Any) -> Any:
        return each(lambda tensor: tensor.to(self.device), values)

    def _watched(self) -> tuple[str, ...]:
        """Ports whose firing rate is kept in a band."""
        if self.config.firing_rate.ports:
            return self.config.firing_rate.ports
        processes = self.model.circuit.processes.items()
        return tuple(f"{path}.{p.spikes}" for path, p in processes if isinstance(p, Neuron))


class _Totals:
    """Sums over batches."""

    def __init__(self) -> None:
        self.samples, self.correct, self.loss = 0, 0, 0.0
        self.classes = True
        self.began = time.perf_counter()

    def add(self, output: Any, targets: Any, loss: float) -> None:
        self.samples += samples(targets)
        self.loss += loss * samples(targets)
        one = isinstance(output, Tensor) and isinstance(targets, Tensor)
        whole = one and targets.dim() == 1 and not targets.is_floating_point()
        self.classes = self.classes and whole
        if self.classes:
            self.correct += int((rate(output.float()).argmax(1) == targets).sum())

    def metrics(self) -> Metrics:
        seconds = time.perf_counter() - self.began
        found = {
            "loss": self.loss / self.samples,
            "seconds": seconds,
            "samples_per_second": self.samples / seconds,
        }
        if self.classes:
            found["accuracy"] = self.correct / self.samples
        return found
