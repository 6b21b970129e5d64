"""Families of resonators, whose state is complex."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.processes import Resonator
from bidl_sim.processes.neurons.resonator import rotation
from bidl_sim.slayer.neuron.family import Family, Params, Population, ends


class ResonantFamily(Family):
    """rf and its kin: a period and a decay give the two factors of the rotation."""

    @property
    def optional(self) -> set[str]:
        return super().optional | {"log_init"}

    @property
    def learned(self) -> tuple[str, ...]:
        return ("sin_decay", "cos_decay")

    def populate_affine(self, net: Network, params: Params, channels: int | None) -> Population:
        neuron: Any = self.neuron(params, channels)
        ring = Resonator(
            sin_decay=neuron.sin_decay,
            cos_decay=neuron.cos_decay,
            scale=neuron.scale,
            learn=self.learned if params.get("requires_grad") else None,
        )
        net.add(ring, "resonator")
        ports = list(ring.in_ports.values())
        if params.get("norm") is not None:
            ports = self.behind_norm(net, ring, ports, params)
        return Population(self.dropped(net, ring, params), ports)

    def neuron(
        self, params: Params, channels: int | None, options: Mapping[str, Any] | None = None
    ) -> Process:
        if params.get("period") is not None and np.min(params["period"]) < 4:
            raise ParameterError(
                f"neuron_params of {self.name}, period", f"must be >= 4, got {params['period']}"
            )
        return super().neuron(params, channels, options)

    def options(self, params: Params, channels: int | None) -> dict[str, Any]:
        found = super().options(params, channels)
        shared = params.get("shared_param", True)
        if not shared and channels is not None and params.get("log_init", True):
            low, high = ends(params["period"])
            found["period"] = np.geomspace(low, high, channels)
        return found

    def renamed(self, values: dict[str, Any]) -> dict[str, Any]:
        turn = rotation(values.pop("period"), values.pop("decay"), f"neuron_params of {self.name}")
        values["sin_decay"], values["cos_decay"] = turn
        return values
