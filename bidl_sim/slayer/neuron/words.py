"""What lava-dl tells of neurons, by its words for it."""

from __future__ import annotations

from typing import Any

import torch

from bidl_sim.processes.neurons.decaying import ONE
from bidl_sim.processes.neurons.fixed_point import MANTISSA
from bidl_sim.processes.quantization import Grid
from bidl_sim.slayer.face import Face
from bidl_sim.slayer.neuron.device import WORDS, device_params, plain
from bidl_sim.typing import Shape


class WithNeurons(Face):
    """A `Face` whose network was made for a family's arguments."""

    neuron_params: dict[str, Any]

    def file_neuron(self) -> dict[str, Any] | None:
        """The neurons' members in a file, None where there are none."""
        return device_params(self.network().processes)


class Words:
    """Base: numbers of the neurons in a network.

    A decay on a chip is ``cx_current_decay``, ``cx_voltage_decay``, ``cx_threshold_decay``,
    ``cx_refractory_decay``, ``cx_sin_decay`` or ``cx_cos_decay``, the threshold ``v_th_mant``.
    """

    @property
    def face(self) -> WithNeurons:
        """The module that has the neurons."""
        raise NotImplementedError

    @property
    def shape(self) -> Shape:
        """That of the neurons, without batch and time."""
        assert self.face.body is not None
        circuit = self.face.body.circuit
        shape: Shape = circuit.signals[next(iter(circuit.outputs.values()))].shape
        return shape

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.face.buffers()).device

    @property
    def persistent_state(self) -> bool:
        """Whether a call goes on from the state of the last one."""
        return self.face.persistent

    @property
    def scale(self) -> int:
        """Mantissas in 1.0: what a weight or a threshold of 1 is on a chip."""
        return int(self.face.neuron_params.get("scale", MANTISSA))

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
        """The neurons' members in a .net file."""
        fields = self.face.file_neuron()
        if fields is None:
            raise AttributeError(f"{type(self.face).__name__} has no neurons")
        return {name: plain(value) for name, value in fields.items()}

    @property
    def quantize_8bit(self) -> Grid:
        """The numbers that weights before these neurons can be, as a ``pre_hook_fx``."""
        return Grid(self.scale, 8)

    def on_chip(self, name: str) -> Any:
        """One of `device_params`, by lava-dl's word for it."""
        found = self.device_params
        if WORDS[name] not in found:
            raise AttributeError(f"neurons of {found['type']} have no {name!r}")
        return found[WORDS[name]]


class Cells(Words):
    """The neurons of a block: `Words`, and the parameters of our process."""

    def __init__(self, block: WithNeurons) -> None:
        self._block = block

    @property
    def face(self) -> WithNeurons:
        return self._block

    def __getattr__(self, name: str) -> Any:
        if name in WORDS:
            return self.on_chip(name)
        return getattr(self._block.part("neuron"), name)
