"""Families of neurons with a current and a voltage that leak."""

from __future__ import annotations

from bidl_sim.core.network import Network
from bidl_sim.core.port import InPort
from bidl_sim.core.process import Process
from bidl_sim.processes import LeakyIntegrator
from bidl_sim.slayer.neuron.family import Family, Params, Population, entrance, follow, norm_of


class LeakyFamily(Family):
    """alif: a current and a voltage that leak."""

    @property
    def learned(self) -> tuple[str, ...]:
        return ("current_decay", "voltage_decay")

    def populate_affine(self, net: Network, params: Params, channels: int | None) -> Population:
        neuron = self.neuron(params, channels)
        current = net.add(leaky(neuron, "current_decay", params), "current")
        last = current
        if params.get("norm") is not None:
            last = follow(net, last, norm_of(params["norm"])(), "norm")
        voltage = follow(net, last, leaky(neuron, "voltage_decay", params), "voltage")
        return Population(self.dropped(net, voltage, params), [entrance(current)])


class CurrentFamily(LeakyFamily):
    """cuba: its norm stands between current and voltage."""

    def behind_norm(
        self, net: Network, neuron: Process, ports: list[InPort], params: Params
    ) -> list[InPort]:
        current = net.add(leaky(neuron, "current_decay", params), "current")
        neuron.current_decay = 1.0  # type: ignore[attr-defined]  # of CUBA
        neuron.learn = tuple(n for n in neuron.learn or () if n != "current_decay") or None
        net.connect(follow(net, current, norm_of(params["norm"])(), "norm"), ports[0])
        return [entrance(current)]


def leaky(neuron: Process, decay: str, params: Params) -> Process:
    """One of a neuron's leaky integrators on its own."""
    return LeakyIntegrator(
        decay=getattr(neuron, decay),
        scale=neuron.scale,  # type: ignore[attr-defined]  # of a FixedPoint
        learn="decay" if params.get("requires_grad") else None,
    )
