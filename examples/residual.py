"""A residual block: a network inside a network."""

import numpy as np

from bidl_sim import Network, Simulator, netx
from bidl_sim.processes import LIF, Add, BatchNorm, Conv2d, Dense, Flatten, Input, TimeMean


def block(channels: int) -> Network:
    """Two convolutions and the input added to them."""
    net = Network(name=f"block{channels}")
    enter = net.add(Add(), "enter")
    last = enter
    for k in (1, 2):
        conv = net.add(Conv2d(channels, channels, 3, padding=1), f"conv{k}")
        norm = net.add(BatchNorm(), f"norm{k}")
        net.connect(last, conv)
        net.connect(conv, norm)
        last = norm if k == 2 else net.add(LIF(), "middle")
        if k == 1:
            net.connect(norm, last)
    join, out = net.add(Add(), "join"), net.add(LIF(), "out")
    net.connect(last, join)
    net.connect(enter, join)
    net.connect(join, out)
    net.expose(enter.s_in)
    net.expose(out.s_out)
    return net


net = Network.sequential(
    Input((2, 8, 8)),
    Conv2d(2, 4, 3, padding=1),
    LIF(),
    block(4),
    Flatten(),
    Dense(256, 3),
    TimeMean(),
)
circuit = net.build()
print("processes:", ", ".join(p for p in circuit.processes if p.startswith("block")))
sim = Simulator(net)
joint = sim.probe("block4.join.a_out")
print("output:", sim.run(np.random.default_rng(0).random((10, 2, 8, 8))).shape, joint.data.shape)
netx.save(net, "residual.net")
print("same spikes everywhere:", netx.verify("residual.net").ok)
