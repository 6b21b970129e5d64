"""Plasticity while a network runs: inputs that come before the spike grow strong, others weak."""

import numpy as np

from bidl_sim import Network, Simulator, netx
from bidl_sim.processes import LIF, Dense, PairSTDP, Sparse, SpikeSource
from bidl_sim.processes.synapses.distributions import Constant

TRIALS, LENGTH, SPIKE = 40, 41, 20  # a teacher makes the neuron spike in step 20 of each trial

order = np.tile(np.arange(LENGTH), TRIALS)  # input k spikes in step k of each trial
source = SpikeSource(LENGTH, np.arange(TRIALS * LENGTH), order, name="inputs")
teacher = SpikeSource(1, np.arange(TRIALS) * LENGTH + SPIKE, np.zeros(TRIALS, int), name="teacher")
neuron = LIF(n=1, alpha=0.0, v_th=2.0, name="neuron")
synapses = Sparse.all_to_all(source, neuron, weight=Constant(0.5), name="synapses")
rule = PairSTDP(a_plus=0.01, a_minus=0.011, tau_plus=8.0, tau_minus=8.0, dt=1.0)

source.s_out.connect(synapses.s_in)
synapses.a_out.connect(neuron.a_in)
push = Dense(1, 1, weight=[[3.0]], bias=False)
teacher.s_out.connect(push.s_in)
push.a_out.connect(neuron.a_in)
rule.learn_between(source, synapses, neuron)
net = Network.of(neuron)

sim = Simulator(net)
sim.run(steps=TRIALS * LENGTH)
weight = sim.read("synapses.weight")
print(f"{sim.engine} engine, {TRIALS} trials")
for lag in (-16, -8, -4, -2, -1, 0, 1, 2, 4, 8, 16):
    w = weight[SPIKE + lag]
    print(f"input {lag:+3d} steps from the spike  {w:.2f}  {'#' * round(40 * w)}")

synapses.weight = weight  # what was learned goes into the network, and with it into a file
netx.save(net, "learned.net")
print("same spikes everywhere:", netx.verify("learned.net").ok)
