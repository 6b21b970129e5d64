"""Build a network from processes, train it, export it, load it, simulate it, probe it."""

import bidl_sim as bs
from bidl_sim.data import DataConfig, Framing
from bidl_sim.processes import LIF, AvgPool2d, BatchNorm, Conv2d, Dense, Flatten, Input, TimeMean
from bidl_sim.trainers import train_and_export

data = DataConfig("gestures", Framing(bins=8), recordings=240)  # generated, nothing is downloaded
train, test = data.load("train"), data.load("test")

net = bs.Network.sequential(
    Input((2, 28, 28)),
    Conv2d(2, 8, 5, stride=2), BatchNorm(), LIF(alpha=0.8, reset="soft"), AvgPool2d(2),
    Flatten(), Dense(8 * 6 * 6, 8), TimeMean(),
)  # fmt: skip
train_and_export(net, train, test, "gestures.net", epochs=10, lr=5e-3)

net = bs.netx.load("gestures.net")
sim = bs.Simulator(net)
v = sim.probe("lif1.v", every=2)
scores = sim.run(test.frames)  # (recordings, classes)

print("recordings, classes:", scores.shape)
print("potentials:", v.data.shape, "in steps", v.steps.tolist())
print("more than four in five are right:", bool((scores.argmax(1) == test.labels).mean() > 0.8))
print("every runtime agrees:", bs.netx.verify("gestures.net", test.frames[:8]).ok)
