"""The torch face of a block: a small network of our processes, fed tensors with time last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.engines.torch.unroll import Carry, Unroll
from bidl_sim.errors import FormatError, ShapeError
from bidl_sim.processes import Delay, Input
from bidl_sim.slayer.block.family import Family, Population, follow
from bidl_sim.typing import Array, Shape

Synapses = Callable[[str], Process]
"""Makes a block's synapse under a name: of a complex neuron one for each part."""


class Block(nn.Module):
    """Synapse, neuron, one step of shift and a delay, as one module.

    ``forward`` takes ``(batch, channel, ..., time)`` and returns the like; with ``count_log`` also
    the share of its outputs that are not zero. The block is a `Network` of processes named
    ``synapse``, ``neuron``, ``norm``, ``shift``, ``delay``: `network` gives it, trained as it
    stands, to simulate, export or connect. Parameters are found by those names
    (``block.synapse.weight``).

    Parameters
    ----------
    neuron_params : mapping
        The family's arguments, see `bidl_sim.slayer.block.family`.
    delay : bool
        Learn an axonal delay for each channel, in [0, 62] steps.
    delay_shift : bool
        Send one step later, as a chip does.
    count_log : bool
    """

    family: ClassVar[Family]
    file_type: ClassVar[str] = ""

    def __init__(
        self,
        neuron_params: Mapping[str, Any] | None,
        delay: bool = False,
        delay_shift: bool = False,
        count_log: bool = False,
    ) -> None:
        super().__init__()
        self.neuron_params = dict(neuron_params or {})
        self.has_delay, self.delay_shift, self.count_log = delay, delay_shift, count_log
        self.persistent = bool(self.neuron_params.get("persistent_state"))
        self.carry: Carry | None = None
        self.batch = 0
        self.in_shape: Shape = ()
        self.is_provisional = False
        self.first: dict[str, Array] = {}
        self.body: Unroll | None = None

    # -- what a subclass says --------------------------------------------------------------------

    def build(self, shape: Shape, channels: int | None) -> Network:
        """A network of new processes for inputs of this shape; ``channels`` are its outputs'."""
        raise NotImplementedError

    def channels_of(self, shape: Shape) -> int:
        """How many channels leave the block, for inputs of this shape."""
        return shape[0]

    # -- running ---------------------------------------------------------------------------------

    def prepare(self, shape: Shape, provisional: bool = False) -> Unroll:
        """Make the network for inputs of this shape; parameters that there are stay.

        After a ``provisional`` shape, which a block takes whose channels nobody told, parameters
        for each channel are drawn when the first input shows how many there are.
        """
        if self.body is None:
            self.body = Unroll(self.build(shape, self.channels_of(shape)))
        elif shape != self.in_shape:
            channels = self.channels_of(shape) if self.is_provisional else None
            net = self.build(shape, channels)
            if self.is_provisional:
                self.grow(Unroll(net))
            self.body.rewire(net)
            self.carry = None
        self.in_shape, self.is_provisional = shape, provisional
        return self.body

    def grow(self, wide: Unroll) -> None:
        """Take from ``wide`` the parameters of another shape than they have so far."""
        assert self.body is not None
        found = dict(self.body.named_parameters()) | dict(self.body.named_buffers())
        for name, value in (*wide.named_parameters(), *wide.named_buffers()):
            if found[name].shape != value.shape:
                found[name].data = value.data.to(found[name])

    def forward(self, x: Tensor) -> Any:
        """Run over the time of x, ``(batch, channel, ..., time)``."""
        if x.dim() < 3:
            raise ShapeError(
                type(self).__name__, f"takes (batch, channel, ..., time), got {tuple(x.shape)}"
            )
        body = self.prepare(tuple(x.shape[1:-1]))
        body.train(self.training)
        if len(x) != self.batch:
            self.carry, self.batch = None, len(x)
        y, _, carry = body.advance(x.movedim(-1, 1), self.carry)
        self.carry = carry.detach() if self.persistent and carry.state else None
        y = self.finished(y).movedim(1, -1)
        return (y, (y.detach() != 0).float().mean()) if self.count_log else y

    def finished(self, y: Tensor) -> Tensor:
        """What leaves the block, of what its network sent ``(batch, time, ...)``."""
        return y

    def network(self) -> Network:
        """The network with the parameters as they stand now."""
        body = self.prepare(self.in_shape)
        body.write_back()
        network: Network = body.network
        return network

    def __getattr__(self, name: str) -> Any:
        """A process of the block by its name, as the module that holds its parameters."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            body = self.__dict__.get("_modules", {}).get("body")
            if body is None or name not in dict(body.named_children()):
                raise
            return body.get_submodule(name)

    def export_hdf5(self, group: Any) -> None:
        """Write the block as one layer of a .net file, into an empty hdf5 group."""
        from bidl_sim.slayer.block.export import export

        if not self.file_type:
            raise FormatError(
                f"block {self.family.name}.{type(self).__name__}",
                "has no place in a .net file",
                "export the blocks before it and behind it",
            )
        network = self.network()
        circuit = network.build()
        shape = circuit.signals[next(iter(circuit.outputs.values()))].shape
        scale = self.neuron_params.get("scale", 64)
        export(group, self.file_type, network, self.file_shape(shape), scale, self.file_neuron())

    def file_shape(self, shape: Shape) -> Shape:
        """The output's shape as a file has it."""
        return shape

    def file_neuron(self) -> dict[str, Any] | None:
        """The neuron's members in a file, where the processes do not hold them."""
        return None

    # -- building --------------------------------------------------------------------------------

    def assembled(self, shape: Shape, channels: int | None, synapse: Synapses) -> Network:
        """Input, synapse, neuron, shift and delay in a row."""
        net = Network()
        self.attach(net, net.add(Input(shape), "input"), channels, synapse)
        return net

    def attach(
        self, net: Network, source: Process, channels: int | None, synapse: Synapses | None
    ) -> Population:
        """Add the synapse and all that follows behind ``source``; returns the population."""
        population = self.populate(net, channels)
        parts = ("",) if len(population.ports) == 1 else ("_real", "_imag")
        for part, port in zip(parts, population.ports, strict=True):
            if synapse is None:
                net.connect(source, port)
            else:
                name = f"synapse{part}"
                net.connect(source, net.add(synapse(name), name))
                net.connect(net.processes[name], port)
        self.postpone(net, population.sender, channels)
        return population

    def populate(self, net: Network, channels: int | None) -> Population:
        """Add the neurons."""
        return self.family.populate(net, self.neuron_params, channels)

    def postpone(self, net: Network, sender: Process, channels: int | None) -> None:
        """Add shift and delay behind what the neurons send."""
        if self.delay_shift:
            sender = follow(net, sender, Delay(1), "shift")
        if self.has_delay:
            if "delay" not in self.first or channels is not None:
                self.first["delay"] = torch.rand(channels or 1).numpy()
            sender = follow(net, sender, Delay(self.first["delay"], learn=True), "delay")
        net.expose(next(iter(sender.out_ports.values())))
