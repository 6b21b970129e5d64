"""A user's program, checked by mypy and never run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bidl_sim import Network, Neuron, Param, Simulator, State, netx
from bidl_sim.processes import LIF, Conv2d, Dense, Input, Poisson
from bidl_sim.trainers import TrainConfig, Unroll, train_and_export
from bidl_sim.typing import Value


class Mine(Neuron):
    """A neuron with one parameter and one state."""

    tau: Param = Param(0.9)
    v = State(0.0)

    def step(
        self, a_in: Value, v: Value, tau: Value, fire: Callable[[Value], Value]
    ) -> tuple[Value, Value]:
        s = fire(v + a_in - 1)
        return s, tau * (v + a_in) * (1 - s)


net: Network = Network.sequential(
    Input((2, 8, 8)), Conv2d(2, 4, 3, stride=(1, 2), bias=False), Mine(tau=[0.1] * 4), name="n"
)
a, b = LIF(n=3, alpha=0.5, learn=("alpha",), name="a"), Dense(3, 2, weight=np.ones((2, 3)))
a.s_out.connect(b.s_in, delay=2)
Poisson(3, rate=0.2).s_out.connect(a)
size: int = b.out_features
weights: np.ndarray = b.weight
stride: tuple[int, int] = Conv2d(1, 1, 3).stride

with Simulator(net, dtype="float32", schedule="timestep") as sim:
    probe = sim.probe("mine1.v", every=2, index=[0])
    sim.run(np.zeros((5, 2, 8, 8)))
    recorded: np.ndarray = probe.data
    v: np.ndarray = sim.read("mine1.v")

module = Unroll(net, schedule="process")
history = train_and_export(
    net, ([], []), None, "x.net", epochs=1, config=TrainConfig(clip_grad=1.0)
)
loss: float = history[-1]["train_loss"]
ok: bool = netx.verify("x.net").ok
again: Network = netx.load("x.net")
