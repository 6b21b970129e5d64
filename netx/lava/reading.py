"""From the layers of a .net file to a network."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import BidlError, FormatError, ParameterError
from bidl_sim.netx.lava.entrance import entrance
from bidl_sim.netx.lava.file import LavaFile, Layer, read
from bidl_sim.netx.lava.neurons import WRITERS, Model, neuron_fields, population
from bidl_sim.netx.lava.synapses import feedback, input_shape, synapse
from bidl_sim.processes import CUBAInput, Delay, Flatten, GroupMean, Input
from bidl_sim.processes.neurons.firing import Firing
from bidl_sim.typing import Array, Shape

WEIGHTED = ("dense", "dense_rec", "conv", "convT", "pool", "unpool")


@dataclass(frozen=True)
class Options:
    """How a .net file becomes a network.

    Attributes
    ----------
    pipeline
        Every synapse takes a step, as in Lava.
    as_lava
        Compute as Lava does where it deviates from lava-dl; see `Model`.
    reset_interval, reset_offset
        The states of layer k are 0 at the beginning of steps offset + k, offset + k + interval, ...
        with ``pipeline``, and without it as if k were 0.
    num_layers, skip_layers
        Only the first ``num_layers`` layers of the file, without the first ``skip_layers``.
    input_shape
        Shape of what the first layer takes, where the file does not say it: a convolution then has
        the smallest that gives its output.
    arithmetic : "integer" or "fixed"
        A chip's numbers, or the units of training, of which 64 mantissas are 1.0.
    voltage
        The last layer sends its voltage, which is what an Affine block of lava-dl is for, and not
        its spikes, of which that has none.
    """

    pipeline: bool = False
    as_lava: bool = False
    reset_interval: int | None = None
    reset_offset: int = 0
    num_layers: int | None = None
    skip_layers: int = 0
    input_shape: Shape | None = None
    arithmetic: str = "integer"
    voltage: bool = False

    def __post_init__(self) -> None:
        least = {"reset_interval": 1, "reset_offset": 0, "num_layers": 1, "skip_layers": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if value is None and name in ("reset_interval", "num_layers"):
                continue
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
                raise ParameterError(
                    f"netx.load, {name}", f"must be an int >= {low}, got {value!r}"
                )
        if self.arithmetic not in ("integer", "fixed"):
            raise ParameterError(
                "netx.load, arithmetic", f"must be 'integer' or 'fixed', got {self.arithmetic!r}"
            )

    @property
    def model(self) -> Model:
        return Model(self.arithmetic, self.as_lava)


def load(path: str | Path, **options: Any) -> Network:
    """Read a network from a .net file, with `Options` by name."""
    return to_network(read(path), Options(**options))


def to_network(file: LavaFile, options: Options) -> Network:
    """The network of a file: neurons ``layer0``, ``layer1``, ..., numbered as in the file."""
    layers = file.layers[: options.num_layers]
    chosen = layers[options.skip_layers :]
    if not chosen:
        raise ParameterError(
            "netx.load, skip_layers",
            f"leaves none of {len(layers)} layers, got {options.skip_layers}",
        )
    before = layers[options.skip_layers - 1].out_shape if options.skip_layers else None
    try:
        shape = options.input_shape or before or input_shape(chosen[0])
        builder = _Builder(options, Network())
        builder.sender = builder.net.add(Input(shape), "input")
        builder.shape = builder.sender.shape
        for number, layer in enumerate(chosen, options.skip_layers):
            builder.add(layer, f"layer{number}")
        if options.voltage:
            builder.read_voltage()
        builder.net.expose(next(iter(builder.sender.out_ports.values())))
        builder.check()
    except FormatError:
        raise
    except BidlError as error:
        raise FormatError(chosen[0].where.split(":")[0], str(error)) from None
    builder.net.metadata = {"lava": beside(file, builder.net)}
    return builder.net


@dataclass
class _Builder:
    """A network that grows layer by layer."""

    options: Options
    net: Network
    sender: Any = None
    shape: Shape = ()
    depth: int = 0
    layers: dict[str, Layer] = field(default_factory=dict)

    def add(self, layer: Layer, name: str) -> None:
        """Add the processes of a layer behind what is there."""
        if layer.kind == "flatten":
            self.follow(Flatten(), name)
            self.shape = (math.prod(self.shape),)
            return
        if layer.kind == "average":
            self.follow(GroupMean(math.prod(layer.shape)), name)
            self.shape = layer.out_shape
            return
        if layer.kind != "input":
            self.add_synapses(layer, name)
        elif layer.neuron is not None:
            neuron = population(
                layer.neuron, self.options.model, f"{layer.where}/neuron", True, **self.reset(layer)
            )
            self.net.add(neuron, name)
            frames = [neuron.bias_in] if isinstance(neuron, CUBAInput) else neuron.in_ports.values()
            for port in frames:
                self.net.connect(self.sender, port)
            self.sender = neuron
        self.shape = layer.out_shape
        self.layers[name] = layer
        self.depth += 1

    def add_synapses(self, layer: Layer, name: str) -> None:
        """Synapses, what stands between them and the neurons, the neurons, and their delay."""
        net, options = self.net, self.options
        if layer.kind.startswith("dense") and len(self.shape) > 1:
            self.follow(Flatten(), f"{name}_flatten")
        bias, delay, place = self.bias(layer), *self.delay(layer)
        if place == "inputs":
            self.follow(Delay(delay, max_delay=4096), f"{name}_delay")
        unit, lasts = options.model.mantissa, []
        for part in layer.parts:
            label = name + part.replace("/", "_")
            last = net.add(synapse(layer, part, unit), f"{label}_synapse")
            net.connect(self.sender, last, delay=int(options.pipeline))
            if place == "current":
                line = net.add(Delay(delay, max_delay=4096), f"{label}_delay")
                net.connect(last, line)
                last = line
            lasts.append(last)
        end = entrance(net, name, layer, options.model, bias, self.reset(layer))
        if len(end.ports) != len(lasts):
            raise FormatError(
                f"{layer.where}/weight",
                f"is {len(lasts)}, its neurons have {len(end.ports)} inputs",
            )
        for part, last, port in zip(layer.parts, lasts, end.ports, strict=True):
            net.connect(last, port)
            if layer.kind == "dense_rec":
                label = f"{name}{part.replace('/', '_')}_recurrent"
                again = net.add(feedback(layer, part, unit), label)
                net.connect(end.neuron, again, delay=1)
                net.connect(again, port)
        self.sender = end.neuron
        if place == "spikes":
            self.follow(Delay(delay, max_delay=4096), f"{name}_delay")

    def follow(self, process: Process, name: str) -> Process:
        """Add a process that takes what was sent last."""
        self.net.add(process, name)
        self.net.connect(self.sender, process)
        self.sender = process
        return process

    def read_voltage(self) -> None:
        """Let the last layer send its voltage."""
        if not isinstance(self.sender, Firing):
            raise ParameterError("netx.load, voltage", "the last layer has none")
        self.sender.output = "voltage"

    def reset(self, layer: Layer) -> dict[str, Any]:
        """Arguments for the population of the next layer."""
        interval = self.options.reset_interval
        if interval is None or (layer.neuron or {}).get("type") == "SDNN":
            if interval is not None:
                warnings.warn(f"{layer.where}: sigma-delta neurons are not reset", stacklevel=5)
            return {}
        offset = self.options.reset_offset + self.depth * self.options.pipeline
        return {"reset_interval": interval, "reset_offset": offset % interval}

    def bias(self, layer: Layer) -> Array | None:
        """The bias of a layer: one number, one for each channel, or one for each neuron."""
        if "bias" not in layer.members:
            return None
        bias = layer.members["bias"].astype(np.float64)
        if not np.array_equal(bias, np.trunc(bias)):
            raise FormatError(f"{layer.where}/bias", "must hold whole numbers")
        shape = layer.out_shape
        if bias.size == 1:
            return bias.reshape(())
        if bias.shape in (shape[:1], shape):
            return bias
        raise FormatError(
            f"{layer.where}/bias", f"must be of shape {shape[:1]} or {shape}, is {bias.shape}"
        )

    def delay(self, layer: Layer) -> tuple[Array | None, str]:
        """The delays of a layer, and what is delayed: its "inputs", "current" or "spikes".

        lava-dl delays spikes. Lava delays what leads to them, which is the same if nothing else
        does: a bias, or a recurrent synapse.
        """
        given = layer.members.get("delay")
        if given is None:
            return None, ""
        if given.ndim > 1 or given.size == 0 or given.min() < 0 or given.max() > 4096:
            raise FormatError(f"{layer.where}/delay", f"must be steps in [0, 4096], is {given}")
        steps = np.atleast_1d(np.floor(given.astype(np.float64)))
        outputs = layer.shape[0]
        if steps.size in (1, outputs):
            steps = np.broadcast_to(steps, (outputs,))
            others = "bias" in layer.members or layer.kind == "dense_rec"
            return steps, "spikes" if others and not self.options.as_lava else "current"
        if len(self.shape) == 1 and steps.size == self.shape[0]:
            return steps, "inputs"
        raise FormatError(
            f"{layer.where}/delay", f"must be of shape ({outputs},), is {given.shape}"
        )

    def check(self) -> None:
        """Refuse a file whose shapes are not those that its layers have."""
        signals = self.net.build().signals
        for name, layer in self.layers.items():
            found = signals.get(f"{name}.s_out")
            if found is not None and found.shape != layer.out_shape:
                raise FormatError(
                    f"{layer.where}/shape", f"is {layer.shape}, the layer has {found.shape}"
                )


def beside(file: LavaFile, net: Network) -> dict[str, Any]:
    """What a file says that no process holds: it is written again, but nothing depends on it."""
    layers: dict[str, Any] = {}
    for number, layer in enumerate(file.layers):
        process = net.processes.get(name := f"layer{number}")
        kept: dict[str, Any] = {}
        if layer.kind == "input":
            kept |= {n: float(v.reshape(-1)[0]) for n, v in layer.members.items()}
        if process is not None and layer.neuron is not None:
            held = neuron_fields(process) if type(process) in WRITERS else {}
            held |= {"weight_exp": ...} if f"{name}_norm" in net.processes else {}
            left = {n: v for n, v in layer.neuron.items() if n == "type" or n not in held}
            if left.get("type") == held.get("type"):
                left.pop("type", None)
            left = {n: v.tolist() if isinstance(v, np.ndarray) else v for n, v in left.items()}
            kept |= {"neuron": left} if left else {}
        elif layer.neuron is None and layer.kind in WEIGHTED:
            kept["neuron"] = None
        if kept:
            layers[name] = kept
    found: dict[str, Any] = {"simulation": dict(file.simulation)} if file.simulation else {}
    return {**found, "layers": layers} if layers else found
