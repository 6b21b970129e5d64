"""Layers of a network: synapses and neurons that belong together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bidl_sim.core.process import Process
from bidl_sim.lava.neuron import Neuron
from bidl_sim.lava.port import InPort, OutPort
from bidl_sim.lava.process import AbstractProcess
from bidl_sim.lava.var import HostVar
from bidl_sim.netx.lava.file import Layer
from bidl_sim.typing import Shape


class Synapse:
    """The synapse of a layer: ports ``s_in`` and ``a_out``; ``weights`` of a dense one."""

    def __init__(self, process: AbstractProcess, part: Process, shape: Shape) -> None:
        self.name, self.part = str(part.name), part
        (into,), (out,) = part.in_ports.values(), part.out_ports.values()
        self.s_in = InPort(process, self.name, "s_in", None, [(into, 1)])
        self.a_out = OutPort(process, self.name, "a_out", shape, out)
        weight = part.parameters().get("weight")
        if weight is not None and weight.ndim == 2:
            whole = np.rint(weight).astype(np.int64)
            self.weights = HostVar(process, self.name, "weights", whole.shape, whole)


class Block:
    """A layer.

    Attributes
    ----------
    name, shape
        ``layer0``, ..., numbered as in the file, and its shape in Lava's order.
    inp, out
        Ports.
    neuron : Neuron
    synapse : Synapse
        Or ``real_synapse`` and ``imag_synapse`` of complex ones; not of an Input.
    input_message_bits, output_message_bits
        0 where spikes carry no values.
    """

    synapse: Synapse

    def __init__(
        self,
        layer: Layer,
        process: AbstractProcess,
        inp: InPort,
        neuron: Neuron,
        synapses: Mapping[str, Process],
        bits: tuple[int, int],
    ) -> None:
        self.name, self.shape = neuron.name, neuron.shape
        self.inp, self.neuron, self.out = inp, neuron, neuron.s_out
        self.input_message_bits, self.output_message_bits = bits
        for name, part in synapses.items():
            setattr(self, name, Synapse(process, part, self.shape))

    @property
    def block(self) -> str:
        """The name of its type."""
        return type(self).__name__


class Input(Block):
    """Neurons that take frames, at ``inp``; LIF take them as bias.

    Attributes
    ----------
    transform
        ``weight`` and ``bias`` of an affine map, which whoever makes the frames applies.
    """

    def __init__(self, layer: Layer, *args: Any) -> None:
        super().__init__(layer, *args)
        given = {n: int(np.reshape(value, -1)[0]) for n, value in layer.members.items()}
        self.transform = {"weight": 64, "bias": 0, **given}

    @property
    def bias(self) -> InPort:
        """Takes a bias mantissa for each neuron, in every step."""
        port: InPort = self.neuron.bias_in
        return port


class Dense(Block):
    """Every neuron with every other."""


class RecurrentDense(Block):
    """Dense, and the neurons with each other: ``synapse_rec``."""


class ComplexDense(Block):
    """Dense with two weights, for the real and the imaginary part."""


class Conv(Block):
    """A convolution."""


class ConvT(Block):
    """A transposed convolution."""


class Pool(Block):
    """Sums over windows."""


class Unpool(Block):
    """Windows filled from one value."""


class Average(Block):
    """Means of groups."""


KINDS: Mapping[str, type[Block]] = {
    "input": Input,
    "dense": Dense,
    "dense_rec": RecurrentDense,
    "conv": Conv,
    "convT": ConvT,
    "pool": Pool,
    "unpool": Unpool,
    "average": Average,
}


def block(layer: Layer, *args: Any) -> Block:
    """The block for a layer of a file."""
    kind = KINDS[layer.kind]
    if kind is Dense and layer.parts != ("",):
        kind = ComplexDense
    return kind(layer, *args)
