"""SpikingJelly: its LIF neuron over several steps at a time."""

from __future__ import annotations

from torch import Tensor, nn

from bidl_sim.bench.peers.peer import Peer
from bidl_sim.bench.peers.torch_step import training


class Neuron(nn.Module):
    """V <- v + x - v / tau; it begins anew in every sequence."""

    def __init__(self) -> None:
        super().__init__()
        from spikingjelly.activation_based import neuron, surrogate

        self.lif = neuron.LIFNode(
            tau=5.0,
            decay_input=False,
            v_threshold=1.0,
            v_reset=0.0,
            surrogate_function=surrogate.ATan(),
            step_mode="m",
        )

    def forward(self, x: Tensor) -> Tensor:
        self.lif.reset()
        y: Tensor = self.lif(x)
        return y


PEER = Peer("spikingjelly", "spikingjelly", training(Neuron))
