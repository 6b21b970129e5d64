"""The blocks of lava-dl whose neurons hear each other."""

from __future__ import annotations

from typing import Any

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.processes import Dense as DenseSynapse
from bidl_sim.processes import Input, LateralInhibition, Scale
from bidl_sim.processes.quantization import Grid
from bidl_sim.slayer.block.layers import Dense
from bidl_sim.slayer.neuron.family import Params, Population, entrance
from bidl_sim.slayer.synapse.plan import grid_of
from bidl_sim.typing import Shape


class Recurrent(Dense):
    """All to all, and from each neuron to all of the block one step later.

    ::

        s[t] = neuron(W x[t] + R s[t - 1])

    As in lava-dl gradients go through time by R only, not by the neurons' own states; of complex
    neurons, which lava-dl has no such block for, by both, since by R alone a real part may get
    none.

    Parameters
    ----------
    neuron_params
    in_neurons, out_neurons : int
    weight_scale, weight_norm, pre_hook_fx, delay, delay_shift, count_log
        See `Connected`.
    requires_grad : bool, default True
        Whether R is learned.
    """

    file_type = "dense_rec"

    def __init__(
        self,
        neuron_params: Params,
        in_neurons: Any,
        out_neurons: int,
        weight_scale: float = 1,
        weight_norm: bool = False,
        pre_hook_fx: Any = None,
        delay: bool = False,
        delay_shift: bool | None = None,
        requires_grad: bool = True,
        count_log: bool = False,
    ) -> None:
        self.requires_grad = requires_grad
        params = {"persistent_state": True, **neuron_params}
        super().__init__(
            params,
            in_neurons,
            out_neurons,
            weight_scale,
            weight_norm,
            pre_hook_fx,
            delay,
            delay_shift,
            None,
            count_log,
        )

    def populate(self, net: Network, channels: int | None) -> Population:
        gradient = "full" if self.family.is_complex else "detached"
        return self.family.populate(net, self.neuron_params, channels, state_grad=gradient)

    def build(self, shape: Shape, channels: int | None) -> Network:
        net = Network()
        population = self.attach(net, net.add(Input(shape), "input"), channels, self.plan)
        parts = ("",) if len(population.ports) == 1 else ("_real", "_imag")
        for part, port in zip(parts, population.ports, strict=True):
            name = f"recurrent_synapse{part}"
            net.connect(population.sender, net.add(self.make_feedback(name), name), delay=1)
            net.connect(net.processes[name], port)
        return net

    def make_feedback(self, name: str) -> Process:
        """The synapses between the neurons of the block."""
        n, weights = self.plan.out_neurons, self.plan.weights
        learn = None if self.requires_grad else False
        first = weights.drawn(name, (n, n), n)
        return DenseSynapse(n, n, weight=first, learn=learn, **weights.options)


class KWTA(Recurrent):
    """At most about ``num_winners`` neurons spike at a time: each excites itself, and inhibits all.

    ::

        s[t] = neuron(W x[t] + R s[t - 1] + b)
        R = (1 + self_excitation) I - 1,  b = threshold (N - 2 num_winners) / N / scale

    R and b are rounded to 8 bits, which b is 0 on unless threshold |N - 2 num_winners| > N. A file
    holds the block as recurrent weights and a bias, which is one of the voltage there.

    Parameters
    ----------
    neuron_params
    in_neurons, out_neurons, num_winners : int
    self_excitation : in [0, 1], default 0.5
    weight_scale, weight_norm, pre_hook_fx, delay, delay_shift, requires_grad, count_log
        See `Recurrent`; requires_grad learns self_excitation.
    """

    def __init__(
        self,
        neuron_params: Params,
        in_neurons: Any,
        out_neurons: int,
        num_winners: int,
        self_excitation: float = 0.5,
        weight_scale: float = 1,
        weight_norm: bool = False,
        pre_hook_fx: Any = None,
        delay: bool = False,
        delay_shift: bool | None = None,
        requires_grad: bool = True,
        count_log: bool = False,
    ) -> None:
        self.num_winners, self.self_excitation = num_winners, self_excitation
        super().__init__(
            neuron_params,
            in_neurons,
            out_neurons,
            weight_scale,
            weight_norm,
            pre_hook_fx,
            delay,
            delay_shift,
            requires_grad,
            count_log,
        )

    def populate(self, net: Network, channels: int | None) -> Population:
        population = super().populate(net, channels)
        scale, n = self.neuron_params.get("scale", 64), self.plan.out_neurons
        bias = self.neuron_params["threshold"] * (n - 2 * self.num_winners) / n / scale
        bias = float(Grid(scale, 8)(bias))
        ports = []
        for k, port in enumerate(population.ports):
            offset = net.add(Scale(1.0, bias), f"bias{k or ''}")
            net.connect(offset, port)
            ports.append(entrance(offset))
        return Population(population.sender, ports)

    def make_feedback(self, name: str) -> Process:
        return LateralInhibition(
            self.self_excitation,
            quantize=grid_of(self.plan.weights.hook),
            learn=None if self.requires_grad else False,
        )
