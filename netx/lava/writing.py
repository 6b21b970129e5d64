"""From a network to the layers of a .net file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError
from bidl_sim.netx.lava.file import Layer, write_layer
from bidl_sim.netx.lava.neurons import NEVER, decay, neuron_fields, whole
from bidl_sim.netx.lava.stages import Stage, stages
from bidl_sim.netx.lava.synapses import mantissas, synapse_members
from bidl_sim.netx.replace import replacing
from bidl_sim.processes import (
    CUBA,
    Activation,
    Conv2d,
    ConvTranspose2d,
    Delay,
    Delta,
    Dense,
    Flatten,
    GroupMean,
    Input,
    LateralInhibition,
    LeakyIntegrator,
    MeanOnlyBatchNorm,
    Resonator,
    Scale,
    Sigma,
    SigmaDelta,
    SumPool2d,
    Unpool2d,
    WeightScaleBatchNorm,
)
from bidl_sim.processes.neurons.fixed_point import MANTISSA, FixedPoint
from bidl_sim.processes.quantization import Grid
from bidl_sim.typing import Array, Shape

KINDS: Mapping[type[Process], str] = {
    Dense: "dense",
    Conv2d: "conv",
    ConvTranspose2d: "convT",
    SumPool2d: "pool",
    Unpool2d: "unpool",
    Flatten: "flatten",
    GroupMean: "average",
}


ORDER: tuple[Any, ...] = (Delay, (LeakyIntegrator, Sigma), MeanOnlyBatchNorm, Activation, Scale)
"""What may stand between synapse and neurons, in the order in which a layer does it."""


def write(network: Network, path: str | Path) -> None:
    """Write a network as lava-dl's blocks write theirs; `FormatError` names what it cannot say.

    An existing file is replaced once the new one is complete.
    """
    found = layers(network)
    beside = network.metadata.get("lava", {})
    with replacing(path) as file:
        for k, layer in enumerate(found):
            write_layer(file.create_group(f"layer/{k}"), layer)
        for name, value in beside.get("simulation", {}).items():
            file.create_dataset(f"simulation/{name}", data=np.int64(value))


def layers(network: Network, as_blocks: bool = False) -> list[Layer]:
    """The layers of a network; ``as_blocks`` loses what lava-dl's blocks lose in their files."""
    found = stages(network)
    lags = set().union(*(stage.lag for stage in found))
    if len(lags) > 1 or max(lags, default=0) > 1:
        raise FormatError(
            network.label,
            f"its synapses take {sorted(lags)} steps",
            "a .net file has them all alike: 0 steps, or 1 as Lava has it",
        )
    scales = {scale for stage in found if (scale := scale_of(stage.end))}
    usual = next(iter(scales)) if len(scales) == 1 else 64
    beside = network.metadata.get("lava", {}).get("layers", {})
    return [_Writer(stage, usual, beside.get(stage.path, {}), as_blocks).layer() for stage in found]


def options_of(network: Network) -> dict[str, Any]:
    """The options with which the file of a network is read as it is, which a file does not say."""
    kinds = [p.arithmetic for p in network.processes.values() if isinstance(p, FixedPoint)]
    lags = set().union(*(stage.lag for stage in stages(network)))
    given: dict[str, Any] = {"pipeline": lags == {1}}
    return given | {"arithmetic": kinds[0]} if kinds else given


def scale_of(process: Process) -> int | None:
    """How many mantissas are 1.0 to a population, None for a process without such numbers."""
    if not isinstance(process, FixedPoint):
        return None
    if process.arithmetic == "float":
        raise FormatError(
            f"{process.where}, arithmetic",
            "is 'float', a .net file holds the numbers of a chip",
            "train it with arithmetic='fixed', or bidl convert --quantize",
        )
    return 1 if process.arithmetic == "integer" else process.scale


def scale_of_weights(stage: Stage) -> int | None:
    """How many mantissas are 1.0 to the synapses of a stage, if they are on a grid."""
    first = next((b[0] for b in stage.branches.values() if b), None)
    grid = getattr(first, "quantize", None)
    return grid.scale if isinstance(grid, Grid) else None


class _Writer:
    """One stage on its way to a layer; ``beside`` is what its file said that no process holds."""

    def __init__(
        self, stage: Stage, scale: int, beside: Mapping[str, Any], as_blocks: bool
    ) -> None:
        self.as_blocks = as_blocks
        self.stage, self.end, self.beside = stage, stage.end, beside
        self.scale = scale_of(stage.end) or scale_of_weights(stage) or scale
        self.members: dict[str, Any] = {}
        self.neuron: dict[str, Any] = {}
        self.one = 1

    def layer(self) -> Layer:
        """The layer, all of whose processes have been taken in."""
        stage, end = self.stage, self.end
        if isinstance(end, Input):
            return self.made("input", stage.shape)
        if isinstance(end, Flatten):
            if len(stage.shape) > 1:
                raise FormatError(end.where, "leaves several axes, in a .net file it leaves one")
            return self.made("flatten", (*stage.shape, 1, 1))
        if isinstance(end, GroupMean):
            return self.made("average", stage.shape)
        kind = self.take_synapses()
        if not isinstance(end, (*KINDS, Scale)):
            self.take_neuron()
        for branch in stage.branches.values():
            self.check_order(branch)
            for process in branch:
                self.take(process)
        self.take_delays()
        return self.made(kind, stage.shape)

    def made(self, kind: str, shape: Shape) -> Layer:
        """The layer with what its file said besides."""
        kept = dict(self.beside)
        held = kept.pop("neuron", {})
        neuron = None if held is None else {**self.neuron, **held} or None
        if neuron and "weight_exp" in neuron:
            neuron["weight_exp"] = np.reshape(neuron["weight_exp"], 1).astype(np.float32)
        for name, value in kept.items():
            self.members.setdefault(name, np.array([value], np.float32))
        return Layer(self.end.where, kind, shape, self.members, neuron)

    def check_order(self, branch: list[Process]) -> None:
        """Refuse what stands in another order than a file means, or twice."""
        ranks = [k for p in branch for k, kinds in enumerate(ORDER) if isinstance(p, kinds)]
        if any(later <= earlier for earlier, later in pairwise(ranks)):
            found = ", ".join(type(p).__name__ for p in branch)
            raise FormatError(self.end.where, f"takes from {found}, in an order no .net file says")
        summed = any(isinstance(p, Sigma) for p in branch)
        if isinstance(self.end, Delta) and not summed and any(type(p) in KINDS for p in branch):
            raise FormatError(self.end.where, "sends differences of no Sigma behind a synapse")
        if any(isinstance(p, Activation) for p in branch) and not summed:
            raise FormatError(self.end.where, "takes from an Activation of no Sigma")

    # -- what a layer is made of -----------------------------------------------------------------

    def take_synapses(self) -> str:
        """Weights and sizes; returns the layer's type."""
        synapses = {p: b[0] for p, b in self.stage.branches.items() if b and type(b[0]) in KINDS}
        if not synapses:
            return "input"
        self.members |= synapse_members(synapses, self.scale)
        for part, process in self.stage.recurrent.items():
            self.members[f"weight_rec{part}"] = feedback_mantissas(
                process, self.stage.shape[0], self.scale
            )
        kind = KINDS[type(next(iter(synapses.values())))]
        if self.stage.recurrent and kind != "dense":
            raise FormatError(
                self.end.where, f"is recurrent behind a {kind} synapse, not a dense one"
            )
        return "dense_rec" if self.stage.recurrent else kind

    def take_neuron(self) -> None:
        """The neurons, and their bias."""
        end: Any = self.end
        if isinstance(end, Sigma):
            self.neuron = {"type": "SDNN", "vThMant": whole(0), "activation": "relu"}
            self.neuron["sigma_output"] = True
        elif isinstance(end, LeakyIntegrator):
            self.neuron = {"type": "CUBA", "iDecay": whole(4096), "vDecay": decay(end.decay)}
            self.neuron |= {"vThMant": whole(NEVER), "refDelay": whole(1), "gradedSpike": False}
        elif isinstance(end, Resonator):
            self.neuron = {"type": "RF_PHASE", "sinDecay": decay(end.sin_decay)}
            self.neuron |= {"cosDecay": decay(end.cos_decay), "vThMant": whole(NEVER)}
            self.neuron["gradedSpike"] = False
        else:
            self.neuron = neuron_fields(end)
        bias = getattr(end, "bias", None)
        if bias is not None and np.any(bias):
            if not isinstance(end, (CUBA, SigmaDelta)):
                raise FormatError(f"{end.where}, bias", "is of the voltage, a file's of the input")
            self.add_bias(end, self.values(bias))

    def take(self, process: Any) -> None:
        """A process between synapse and neurons."""
        end: Any = self.end
        integer = getattr(end, "arithmetic", "") == "integer"
        if isinstance(process, MeanOnlyBatchNorm):
            self.take_norm(process)
        elif isinstance(process, LeakyIntegrator):
            if np.any(getattr(end, "current_decay", 1) != 1) or "iDecay" not in self.neuron:
                raise FormatError(process.where, "is a current of neurons that have their own")
            self.neuron["iDecay"] = decay(process.decay)
            self.one = MANTISSA if integer else 1
        elif isinstance(process, Sigma):
            if not isinstance(end, Delta):
                raise FormatError(process.where, "is a sum of neurons that have their own")
            self.neuron["activation"] = "identity"
            self.one = 1 << (end.state_exp + end.spike_exp) if integer else 1
        elif isinstance(process, Activation):
            self.neuron["activation"] = process.function
        elif isinstance(process, Scale):
            self.take_scale(process)
        elif not isinstance(process, Delay) and process.parameters().get("bias") is not None:
            raise FormatError(
                f"{process.where}, bias", "a file has a bias of neurons, not of synapses"
            )

    def take_norm(self, process: Any) -> None:
        """A normalisation, of which a file keeps the mean as a bias, and a power of two."""
        if len(self.stage.branches) > 1:
            if self.as_blocks:
                return
            raise FormatError(process.where, "has no place in a .net file beside a pair of weights")
        if isinstance(process, WeightScaleBatchNorm):
            exponent = np.ceil(np.log2(np.sqrt(process.var + process.eps)))
            self.neuron["weight_exp"] = exponent
        mean = np.asarray(process.quantize(process.mean))
        self.add_bias(process, self.values(-mean / self.one))

    def take_delays(self) -> None:
        """Delays of what the neurons receive or send; a file has one for each neuron."""
        before = [_delays(branch) for branch in self.stage.branches.values()]
        delays = before[0] + _delays(self.stage.behind)
        unlike = any([d.tolist() for d in b] != [d.tolist() for d in before[0]] for b in before)
        if len(delays) > 1 or unlike:
            raise FormatError(self.end.where, "has several delays, in a .net file it has one")
        if before[0] and (self.stage.recurrent or "bias" in self.members):
            raise FormatError(
                self.end.where,
                "has a delayed input, and others beside it",
                "delay their spikes",
            )
        if delays:
            self.members["delay"] = np.floor(delays[0]).astype(np.float32)

    def take_scale(self, process: Any) -> None:
        """A transform where values enter, a bias where it only adds, a change of units."""
        if process.weight.size > 1 or process.bias.size > 1:
            raise FormatError(process.where, "has several numbers, in a .net file it has one")
        grid = process.quantize or (lambda x: x)
        weight, bias = grid(process.weight), grid(process.bias)
        if self.stage.branches[next(iter(self.stage.branches))][0] is process:
            self.members["weight"], self.members["bias"] = self.values(weight), self.values(bias)
        elif weight == 1:
            self.add_bias(process, np.full(self.stage.shape[:1], self.values(bias), np.float32))
        elif bias or weight != 1 / self.one:
            raise FormatError(process.where, "has no place in a .net file behind a synapse")

    def add_bias(self, process: Process, bias: Array) -> None:
        """One more of what is added in every step."""
        end: Any = self.end
        sums = isinstance(end, SigmaDelta)
        leaks = isinstance(end, CUBA) and np.any(end.current_decay != 1)
        if process is not end and (sums or leaks) and np.any(bias) and not self.as_blocks:
            raise FormatError(
                process.where, "adds before a sum or a current, in a .net file a bias is behind it"
            )
        if "bias" in self.members and "weight_exp" in self.neuron:
            raise FormatError(process.where, "adds beside a normalisation that scales")
        self.members["bias"] = self.members.get("bias", 0) + bias

    def values(self, x: Any) -> Array:
        """Numbers in mantissas."""
        found = self.scale * np.asarray(x, np.float64)
        return np.atleast_1d(found).astype(np.float32)


def _delays(processes: Iterable[Any]) -> list[Array]:
    """Of those that delay, but for the step that a chip takes."""
    found = [p.delay for p in processes if isinstance(p, Delay)]
    return [delay for delay in found if delay.ndim or delay != 1]


def feedback_mantissas(process: Process, size: int, scale: int) -> Array:
    """The weights between the neurons of a layer."""
    if isinstance(process, LateralInhibition):
        own, other = process.own_and_other(process.self_excitation)
        return (scale * np.where(np.eye(size, dtype=bool), own, other)).astype(np.float32)
    return mantissas(process, scale)
