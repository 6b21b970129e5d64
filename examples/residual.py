"""Branches: a residual block, and kernels of several sizes side by side."""

import numpy as np

from bidl_sim import Network, Simulator, netx
from bidl_sim.processes import LIF, Concat, Conv2d, Dense, GlobalAvgPool, Input, TimeMean
from bidl_sim.processes.networks import basic_block, parallel

kernels = parallel(
    Conv2d(2, 2, 1, name="small"),
    Conv2d(2, 4, 3, padding=1, name="middle"),
    Conv2d(2, 2, 5, padding=2, name="large"),
    join=Concat(3),
    name="kernels",
)
net = Network.sequential(
    Input((2, 8, 8)),
    kernels,
    LIF(),
    basic_block(8, 12, stride=2, name="block"),
    GlobalAvgPool(),
    Dense(12, 3),
    TimeMean(),
)
circuit = net.build()
for path in circuit.processes:
    if path.startswith("block"):
        print(path, circuit.main_signal(path).shape)
sim = Simulator(net)
joint = sim.probe("block.branches.join.a_out")
print("output:", sim.run(np.random.default_rng(0).random((10, 2, 8, 8))).shape, joint.data.shape)
netx.save(net, "residual.net")
print("same spikes everywhere:", netx.verify("residual.net").ok)
