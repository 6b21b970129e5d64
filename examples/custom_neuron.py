"""A neuron of your own: declare, write one step, and everything works with it."""

from bidl_sim import Network, Neuron, Param, Simulator, State, netx
from bidl_sim.core.param import POSITIVE, UNIT
from bidl_sim.processes import Dense, Input


class AdaptiveLIF(Neuron):
    """A LIF whose threshold rises by ``jump`` with each of its spikes and decays by ``rho``."""

    alpha: Param = Param(0.9, within=UNIT)
    rho: Param = Param(0.95, within=UNIT)
    v_th: Param = Param(0.5, within=POSITIVE)
    jump: Param = Param(0.3)

    v = State(0.0)
    b = State(0.0)

    def step(self, a_in, v, b, alpha, rho, v_th, jump, fire):
        u = v + a_in
        s = fire(u - (v_th + b))
        return s, alpha * (1 - s) * u, rho * b + jump * s


net = Network.sequential(Input(1), Dense(1, 1, weight=[[1.0]], bias=False), AdaptiveLIF())
sim = Simulator(net)
b = sim.probe("adaptivelif1.b")
spikes = sim.run([[0.2]] * 60)

times = spikes[:, 0].nonzero()[0]
print("spike times:", times.tolist())
print("intervals grow:", (times[1:] - times[:-1]).tolist())
print("largest threshold:", round(0.5 + float(b.data.max()), 3))

netx.save(net, "adaptive.net")
print("same spikes everywhere:", netx.verify("adaptive.net").ok)
