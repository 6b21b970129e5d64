"""The torch face of the neurons of lava-dl."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from bidl_sim.core.network import Network
from bidl_sim.processes import Input
from bidl_sim.processes.neurons.decaying import ONE
from bidl_sim.processes.neurons.fixed_point import MANTISSA
from bidl_sim.processes.quantization import Grid
from bidl_sim.slayer.face import Face
from bidl_sim.slayer.neuron.device import WORDS, device_params, plain
from bidl_sim.slayer.neuron.family import Family
from bidl_sim.typing import Shape


class Neuron(Face):
    """Base: neurons by lava-dl's name and with its arguments, all of them by keyword.

    ``forward`` takes synaptic sums ``(batch, channel, ..., time)``, of a complex neuron a real and
    an imaginary one, and returns spikes. Parameters are in the units of our process:
    ``neuron.neuron.current_decay`` is in [0, 1]; what a chip gets are `device_params`, and
    ``cx_current_decay``, ``v_th_mant`` and so on, as far as the family has them.

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
    def shape(self) -> Shape:
        """That of the neurons: of the last input, without batch and time."""
        return self.in_shape

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.buffers()).device

    @property
    def persistent_state(self) -> bool:
        """Whether a call goes on from the state of the last one."""
        return self.persistent

    @property
    def scale(self) -> int:
        """Mantissas in 1.0: what a weight or a threshold of 1 is on a chip."""
        return int(self.neuron_params.get("scale", MANTISSA))

    w_scale = scale

    @property
    def s_scale(self) -> int:
        """What a state of 1 is on a chip."""
        return MANTISSA * self.scale

    @property
    def p_scale(self) -> int:
        """What a decay of 1 is on a chip."""
        return ONE

    @property
    def threshold(self) -> Any:
        """The threshold as it is compared: cut to mantissas."""
        return self.device_params["vThMant"] / self.scale

    @property
    def device_params(self) -> dict[str, Any]:
        """The neuron's members in a .net file."""
        fields = device_params(self.network().processes) or {}
        return {name: plain(value) for name, value in fields.items()}

    @property
    def quantize_8bit(self) -> Grid:
        """The numbers that weights before these neurons can be, as a ``pre_hook_fx``."""
        return Grid(self.scale, 8)

    def __getattr__(self, name: str) -> Any:
        if name in WORDS and WORDS[name] in self.device_params:
            return self.device_params[WORDS[name]]
        return super().__getattr__(name)
