"""A block of lava-dl: a small network of our processes, with a torch face."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError
from bidl_sim.processes import Delay, Input
from bidl_sim.slayer.neuron.family import Family, Population, follow
from bidl_sim.slayer.neuron.words import Cells, WithNeurons
from bidl_sim.typing import Array, Shape

Synapses = Callable[[str], Process]
"""Makes a block's synapse under a name: of a complex neuron one for each part."""


class Block(WithNeurons):
    """Synapse, neuron, one step of shift and a delay, as one module.

    ``forward`` takes ``(batch, channel, ..., time)`` and returns the like; with ``count_log`` also
    the share of its outputs that are not zero. The block is a network of processes named
    ``synapse``, ``neuron``, ``norm``, ``shift``, ``delay``, see `Face`.

    Parameters
    ----------
    neuron_params : mapping
        The arguments of the family's `Neuron`.
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
        self.neuron_params = dict(neuron_params or {})
        if self.neuron_params:
            self.family.check(self.neuron_params)
        super().__init__(bool(self.neuron_params.get("persistent_state")))
        self.has_delay, self.delay_shift, self.count_log = delay, delay_shift, count_log
        self.first_delay: Array | None = None

    def forward(self, x: Tensor) -> Any:
        """Run over the time of x, ``(batch, channel, ..., time)``."""
        y = self.finished(self.run(x)).movedim(1, -1)
        return (y, (y.detach() != 0).float().mean()) if self.count_log else y

    def finished(self, y: Tensor) -> Tensor:
        """What leaves the block, of what its network sent ``(batch, time, ...)``."""
        return y

    @property
    def neuron(self) -> Cells:
        """The neurons; blocks without any have no such attribute."""
        if not self.neuron_params:
            raise AttributeError(f"{type(self).__name__} has no neurons")
        return Cells(self)

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
        export(group, network, self.file_shape(shape), self.file_neuron())

    def file_shape(self, shape: Shape) -> Shape:
        """The output's shape as a file has it."""
        return shape

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
            if self.first_delay is None or channels is not None:
                self.first_delay = torch.rand(channels or 1).numpy()
            sender = follow(net, sender, Delay(self.first_delay, learn=True), "delay")
        net.expose(next(iter(sender.out_ports.values())))
