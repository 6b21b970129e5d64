"""The network as a torch module in a training loop of your own."""

import torch

from bidl_sim import Network, Simulator
from bidl_sim.processes import LIF, Dense, Input
from bidl_sim.trainers import Unroll

# the class is which half of the inputs fires more often
torch.manual_seed(0)
labels = torch.randint(0, 2, (256,))
rates = torch.full((256, 1, 20), 0.1)
rates[labels == 1, :, 10:] = 0.3
rates[labels == 0, :, :10] = 0.3
spikes = rates.expand(256, 30, 20).bernoulli()

net = Network.sequential(
    Input(20), Dense(20, 32), LIF(alpha=0.9, learn=("alpha", "v_th")), Dense(32, 2), LIF()
)
model = Unroll(net)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(20):
    for k in torch.randperm(256).split(32):
        out, seen = model(spikes[k], record=["lif1.s_out"])
        loss = torch.nn.functional.cross_entropy(out.sum(1), labels[k])
        loss = loss + seen["lif1.s_out"].mean()  # as few spikes as possible
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
model.write_back()  # the trained numbers go into the network's processes

counts = Simulator(net).run(spikes.numpy()).sum(1)
print("learned:", ", ".join(name for name, p in model.named_parameters() if p.requires_grad))
print(
    "simulated, more than 9 in 10 right:", bool((counts.argmax(1) == labels.numpy()).mean() > 0.9)
)
print("0 <= alpha <= 1:", bool(0 <= net.processes["lif1"].alpha <= 1))
