"""Excitation and inhibition, connected port by port, with delays and probes."""

import numpy as np

from bidl_sim import Network, Simulator
from bidl_sim.processes import LIF, Dense, Poisson

rng = np.random.default_rng(1)


def synapse(source: int, target: int, weight: float) -> Dense:
    """Connects each pair with probability 0.2."""
    connected = rng.random((target, source)) < 0.2
    return Dense(source, target, weight=weight * connected, bias=False)


noise = Poisson(80, rate=0.05, name="noise")
exc, inh = LIF(n=80, alpha=0.95, v_th=1.0, name="exc"), LIF(n=20, alpha=0.95, v_th=1.0, name="inh")

for source, target, sizes, weight, delay in (
    (noise, exc, (80, 80), 0.4, 0),
    (exc, inh, (80, 20), 0.2, 1),
    (exc, exc, (80, 80), 0.1, 2),
    (inh, exc, (20, 80), -0.5, 1),
):
    dense = synapse(*sizes, weight)
    source.s_out.connect(dense.s_in, delay=delay)
    dense.a_out.connect(target.a_in)

net = Network.of(exc)  # everything that is connected
sim = Simulator(net, seed=7)
e, i = sim.probe("exc.s_out"), sim.probe("inh.s_out")
v = sim.probe("exc.v", every=10, index=[0, 1])
sim.run(steps=1000)

print("processes:", ", ".join(sorted(net.processes)))
print("both fire:", bool(0.01 < e.data.mean() < 0.5), bool(0.01 < i.data.mean() < 0.5))
print("two potentials, every tenth step:", v.data.shape)

with_inhibition = e.data.mean()
sim.write("inh.v_th", 100.0)  # inhibition no longer fires
sim.reset()
sim.run(steps=1000)
print("more spikes without inhibition:", bool(e.data.mean() > with_inhibition))
