"""The torch face of the neurons of lava-dl."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from bidl_sim.core.network import Network
from bidl_sim.processes import Input
from bidl_sim.slayer.neuron.device import WORDS
from bidl_sim.slayer.neuron.family import Family
from bidl_sim.slayer.neuron.words import WithNeurons, Words
from bidl_sim.typing import Shape


class Neuron(WithNeurons, Words):
    """Base: neurons by lava-dl's name and with its arguments, all of them by keyword.

    ``forward`` takes synaptic sums ``(batch, channel, ..., time)``, of a complex neuron a real and
    an imaginary one, and returns spikes. Parameters are in the units of our process:
    ``neuron.neuron.current_decay`` is in [0, 1]. What else can be asked of them is in `Words`.

    Parameters
    ----------
    **neuron_params
        See `Family`.
    """

    family: ClassVar[Family]

    def __init__(self, **neuron_params: Any) -> None:
        self.family.check(neuron_params)
        super().__init__(bool(neuron_params.get("persistent_state")))
        self.neuron_params = neuron_params
        self.prepare((1,), provisional=True)

    def build(self, shape: Shape, channels: int | None) -> Network:
        net = Network()
        population = self.family.populate(net, self.neuron_params, channels)
        names = ("real", "imag") if self.family.is_complex else ("input",)
        for name, port in zip(names, population.ports, strict=True):
            net.connect(net.add(Input(shape), name), port)
        net.expose(next(iter(population.sender.out_ports.values())))
        return net

    def forward(self, *inputs: Tensor) -> Tensor:
        """Spikes, for one input or a real and an imaginary one."""
        return self.run(*inputs).movedim(1, -1)

    @property
    def face(self) -> Neuron:
        return self

    def __getattr__(self, name: str) -> Any:
        if name in WORDS:
            return self.on_chip(name)
        return super().__getattr__(name)
