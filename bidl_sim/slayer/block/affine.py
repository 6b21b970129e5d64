"""The blocks of lava-dl that read out what does not spike."""

from __future__ import annotations

from typing import Any

from bidl_sim.core.network import Network
from bidl_sim.netx.lava.neurons import neuron_fields
from bidl_sim.processes import Input
from bidl_sim.slayer.block.layers import Dense
from bidl_sim.slayer.neuron.family import Params, Population
from bidl_sim.typing import Shape


class Affine(Dense):
    """All to all, and the neuron's voltage without spikes: of a complex neuron its imaginary part.

    Parameters
    ----------
    neuron_params
    in_neurons, out_neurons : int
    weight_scale, weight_norm, pre_hook_fx, mask, count_log
        See `Connected`.
    dynamics : bool, default True
        Without it what is sent is the weighted sum.
    """

    def __init__(
        self,
        neuron_params: Params,
        in_neurons: Any,
        out_neurons: int,
        weight_scale: float = 1,
        weight_norm: bool = False,
        pre_hook_fx: Any = None,
        dynamics: bool = True,
        mask: Any = None,
        count_log: bool = False,
    ) -> None:
        self.dynamics = dynamics
        super().__init__(
            neuron_params,
            in_neurons,
            out_neurons,
            weight_scale,
            weight_norm,
            pre_hook_fx,
            False,
            False,
            mask,
            count_log,
        )

    def populate(self, net: Network, channels: int | None) -> Population:
        return self.family.populate_affine(net, self.neuron_params, channels)

    def build(self, shape: Shape, channels: int | None) -> Network:
        if self.dynamics:
            return super().build(shape, channels)
        net = Network()
        source, synapse = Input(shape), self.plan("synapse")
        net.connect(net.add(source, "input"), net.add(synapse, "synapse"))
        return net

    def file_neuron(self) -> dict[str, Any] | None:
        if "sigma" not in self.network().processes:
            return super().file_neuron()
        fields = neuron_fields(self.family.neuron(self.neuron_params, None))
        return fields | {"sigma_output": True}


class Output(Affine):
    """All to all, and the sum over time of what arrives: the read-out of sigma-delta blocks.

    Of other neurons it is an `Affine` with dynamics.

    Parameters
    ----------
    neuron_params
    in_neurons, out_neurons : int
    weight_scale, weight_norm, pre_hook_fx, mask, count_log
        See `Connected`.
    """

    def __init__(
        self,
        neuron_params: Params,
        in_neurons: Any,
        out_neurons: int,
        weight_scale: float = 1,
        weight_norm: bool = False,
        pre_hook_fx: Any = None,
        mask: Any = None,
        count_log: bool = False,
    ) -> None:
        super().__init__(
            neuron_params,
            in_neurons,
            out_neurons,
            weight_scale,
            weight_norm,
            pre_hook_fx,
            True,
            mask,
            count_log,
        )
