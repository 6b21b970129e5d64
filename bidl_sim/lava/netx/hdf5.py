"""Networks from lava-dl's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bidl_sim.core import port as core
from bidl_sim.core.network import Network as Core
from bidl_sim.core.neuron import Population
from bidl_sim.core.port import OutPort, Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.lava.netx.blocks import Block, block
from bidl_sim.lava.netx.listing import listing
from bidl_sim.lava.neuron import Neuron
from bidl_sim.lava.port import InPort
from bidl_sim.lava.process import AbstractProcess
from bidl_sim.netx.lava.file import LavaFile, Layer, read
from bidl_sim.netx.lava.reading import Options, to_network
from bidl_sim.processes import Activation, CUBAInput, Delta, SigmaDelta
from bidl_sim.typing import Shape


class Network(AbstractProcess):
    """The network of a .net file, with Lava's integers and its step per synapse.

    Parameters
    ----------
    net_config
        The file.
    num_layers, skip_layers
        Only the first ``num_layers`` layers of the file, without the first ``skip_layers``.
    input_message_bits
        0 if what arrives at a synapse first in the network are spikes: everything but 0 counts as
        1. After skipped layers it is theirs.
    input_shape
        What the first layer takes, in Lava's order, where the file does not say it.
    reset_interval, reset_offset
        Every layer begins anew in steps offset, offset + interval, ..., each one step after the
        layer before it.
    spike_exp : default 6
        Bits behind the point of what sigma-delta neurons send.
    sparse_fc_layer
        Without effect: how weights are stored changes no value.

    Attributes
    ----------
    layers, in_layer, out_layer
        All layers but those that flatten, the first and the last; also ``net[k]``, ``len(net)``.
    inp, out
        The ports of those two.
    net_config : dict
        What the file says: ``net.net_config["layer"][0]["neuron"]["vThMant"]``.
    """

    def __init__(
        self,
        net_config: str | Path,
        num_layers: int | None = None,
        skip_layers: int | None = 0,
        input_message_bits: int | None = 0,
        input_shape: Shape | None = None,
        reset_interval: int | None = None,
        reset_offset: int = 0,
        spike_exp: int = 6,
        sparse_fc_layer: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.filename = str(net_config)
        self.num_layers, self.skip_layers = num_layers, skip_layers or 0
        self.input_shape, self.spike_exp = input_shape, spike_exp
        self.reset_interval, self.reset_offset = reset_interval, reset_offset
        file = read(net_config)
        self.net_config = _as_dict(file)
        loaded = to_network(
            file,
            Options(
                pipeline=True,
                as_lava=True,
                reset_interval=reset_interval,
                reset_offset=reset_offset,
                num_layers=num_layers,
                skip_layers=self.skip_layers,
                input_shape=None if input_shape is None else tuple(input_shape)[::-1],
            ),
        )
        for part in loaded.processes.values():
            if isinstance(part, (Delta, SigmaDelta)):
                part.spike_exp = spike_exp
        before = file.layers[: self.skip_layers]
        self.input_message_bits = _bits(before[-1]) if before else int(input_message_bits or 0)
        chosen = [*enumerate(file.layers[:num_layers])][self.skip_layers :]
        described = {f"layer{number}": layer for number, layer in chosen}
        self.layers = self._blocks(loaded, described)
        self.in_layer, self.out_layer = self.layers[0], self.layers[-1]
        self.inp, self.out = self.in_layer.inp, self.out_layer.out
        self._table = listing((b, described[b.name]) for b in self.layers)

    def _blocks(self, loaded: Core, described: Mapping[str, Layer]) -> list[Block]:
        """The layers, taken out of a loaded network that has an Input before them."""
        signals = loaded.build().signals
        net, entrance = Core(), loaded.processes["input"]
        for name, part in loaded.processes.items():
            if part is not entrance:
                net.add(part, name)
        self.parts.append(net)
        (sent,) = entrance.out_ports.values()
        bits = self.input_message_bits
        blocks: list[Block] = []
        for name, layer in described.items():
            if layer.kind == "flatten" or name not in net.processes:
                continue
            part = net.processes[name]
            into = InPort(self, name, "inp", _shape(signals, sent), _listeners(sent))
            if not blocks and layer.kind != "input" and bits == 0:
                into.leaves = [(_spikes(net, into.leaves), 0)]
            (sent,) = part.out_ports.values()
            shape = _shape(signals, sent)
            if isinstance(part, Population) and layer.kind == "input":
                part.shape = shape[::-1]  # it may be left without input
            if isinstance(part, CUBAInput):
                part.bias = np.zeros(shape[::-1])  # one number for each, as bias_mant has
            neuron = Neuron(self, name, part, shape)
            bits, before = _bits(layer), bits
            synapses = _synapses(net, name)
            blocks.append(block(layer, self, into, neuron, synapses, (before, bits)))
        if not blocks:
            raise ParameterError(self.filename, "holds no layer with neurons among those chosen")
        for connection in entrance.out_ports["s_out"].targets:
            connection.target.sources.remove(connection)
        return blocks

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: Any) -> Any:
        return self.layers[index]

    def __iter__(self) -> Iterator[Block]:
        return iter(self.layers)

    def __str__(self) -> str:
        return self._table


def _shape(signals: Mapping[str, Signal], sent: OutPort) -> Shape:
    """What leaves a port, in Lava's order."""
    return signals[f"{sent.process.name}.{sent.name}"].shape[::-1]


def _listeners(sent: OutPort) -> list[tuple[core.InPort, int]]:
    """Where what leaves a port goes, but back to its own layer."""
    return [
        (c.target, c.delay)
        for c in sent.targets
        if not str(c.target.process.name).endswith("recurrent")
    ]


def _spikes(net: Core, leaves: list[tuple[core.InPort, int]]) -> core.InPort:
    """A port to the same places, where everything but 0 counts as 1."""
    spikes = net.add(Activation("nonzero"), "spikes")
    for leaf, delay in leaves:
        spikes.a_out.connect(leaf, delay)
    return spikes.s_in


def _synapses(net: Core, layer: str) -> dict[str, Process]:
    """The synapses of a layer by the names that blocks give them."""
    found = {}
    for name, part in net.processes.items():
        whose, _, what = name.partition("_")
        if whose == layer and what.endswith(("synapse", "recurrent")):
            found[what.replace("recurrent", "synapse_rec")] = part
    return found


def _bits(layer: Layer) -> int:
    """How many bits what a layer sends has, 0 for spikes."""
    neuron = layer.neuron or {}
    return int(neuron.get("messageBits", 16 if neuron.get("type") == "SDNN" else 0))


def _as_dict(file: LavaFile) -> dict[str, Any]:
    """What a file says, under its own names; one number stands as such."""
    layers = []
    for layer in file.layers:
        said: dict[str, Any] = {"type": layer.kind, "shape": np.array(layer.shape)}
        for path, value in layer.members.items():
            group, _, name = path.rpartition("/")
            (said.setdefault(group, {}) if group else said)[name] = _plain(value)
        if layer.neuron is not None:
            said["neuron"] = {name: _plain(value) for name, value in layer.neuron.items()}
        layers.append(said)
    return {"layer": layers, "simulation": dict(file.simulation)}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
