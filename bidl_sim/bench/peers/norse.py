"""Norse: its neuron without a current, step by step, as it is or with each step compiled."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bidl_sim.bench.peers.peer import Peer
from bidl_sim.bench.peers.torch_step import training


class Neuron(nn.Module):
    """V <- 0.8 v + 0.2 x with the threshold at 0.2: the same spikes."""

    def __init__(self, compiled: bool) -> None:
        super().__init__()
        from norse.torch.functional import lif_box

        parameters = lif_box.LIFBoxParameters(torch.tensor(200.0), v_th=torch.tensor(0.2))

        def step(x: Tensor, v: Tensor) -> tuple[Tensor, Any]:
            state = lif_box.LIFBoxFeedForwardState(v)
            s, state = lif_box.lif_box_feed_forward_step(x, state, parameters, 0.001)
            return s, state.v

        self.step = torch.compile(step) if compiled else step

    def forward(self, x: Tensor) -> Tensor:
        v, spikes = torch.zeros_like(x[0]), []
        for now in x.unbind(0):
            s, v = self.step(now, v)
            spikes.append(s)
        return torch.stack(spikes)


NOTE = "another surrogate"
PEERS = (
    Peer("norse", "norse", training(partial(Neuron, False), NOTE)),
    Peer("norse-compiled", "norse", training(partial(Neuron, True), NOTE)),
)
