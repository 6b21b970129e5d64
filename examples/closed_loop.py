"""A loop through the world, twice: with your own loop, and with a process inside the network."""

import numpy as np

from bidl_sim import Network, Simulator
from bidl_sim.processes import LIF, Callback, Input


class Ball:
    """Falls; each spike pushes it up."""

    def __init__(self) -> None:
        self.height, self.speed = 1.0, 0.0

    def move(self, pushed: bool) -> float:
        self.speed = 0.98 * self.speed - 0.02 + 0.1 * pushed
        self.height += self.speed
        return self.height


# your own loop: what the network is shown depends on what it just did
ball = Ball()
sim = Simulator(Network.sequential(Input(1), LIF(alpha=0.9, v_th=1.0)))
heights = []
spike = np.zeros(1)
for _ in range(300):
    height = ball.move(bool(spike[0]))
    spike = sim.step([max(0.0, 1.0 - height)])  # the lower, the stronger the current
    heights.append(height)
print("own loop: steps", sim.t, "- stays up:", min(heights[100:]) > 0)


# the same as a process: the world takes spikes and sends currents; one connection has a delay
def closed(ball: Ball, every: int = 1) -> Network:
    def world(t: int, spikes: np.ndarray) -> np.ndarray:
        return np.maximum(0.0, 1.0 - np.array([[ball.move(bool(spikes[0, 0]))]]))

    net = Network()
    lif = net.add(LIF(n=1, alpha=0.9, v_th=1.0), "lif")
    loop = net.add(Callback(world, 1, every=every), "world")
    net.connect(lif, loop, delay=1)
    net.connect(loop, lif)
    return net


inside = Simulator(closed(Ball()))
seen = inside.probe("world.a_out")
inside.run(steps=300)
print("callback: steps", inside.t, "- stays up:", bool((1 - seen.data[100:]).min() > 0))
print("the same course:", np.allclose(1 - seen.data[:, 0], np.minimum(heights, 1.0), atol=1e-6))

# a slower world is asked in every fifth step, sees the spikes since then, counted, and its answer
# is held; the event engine leaves its compiled loop for Python in those steps alone
slow = Simulator(closed(Ball(), every=5), engine="event")
seen = slow.probe("world.a_out")
slow.run(steps=1500)
print("slower world: steps", slow.t, "- stays up:", bool((1 - seen.data[500:]).min() > 0))
