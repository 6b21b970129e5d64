"""snnTorch: its leaky neuron, step by step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bidl_sim.bench.peers.peer import Peer
from bidl_sim.bench.peers.torch_step import training


class Neuron(nn.Module):
    """It resets at the beginning of the next step, before the leak, which comes to the same."""

    def __init__(self) -> None:
        super().__init__()
        import snntorch

        self.leaky = snntorch.Leaky(beta=0.8, threshold=1.0, reset_mechanism="zero")

    def forward(self, x: Tensor) -> Tensor:
        v, spikes = torch.zeros_like(x[0]), []
        for now in x.unbind(0):
            s, v = self.leaky(now, v)
            spikes.append(s)
        return torch.stack(spikes)


PEER = Peer("snntorch", "snntorch", training(Neuron, "its reset passes no gradient"))
