"""A model of sinabs: by its modules, and by NIR files in both directions, with the same spikes.

Its reader bounds IAF from below by -1 threshold and takes inputs of LIF as they are, so this model
does.
"""

import contextlib
import io

try:
    import nir
    import sinabs.layers as sl
    import sinabs.nir
except ImportError:
    raise SystemExit("this example needs sinabs: pip install sinabs") from None
import torch
from torch import nn

from bidl_sim import Simulator, netx

torch.manual_seed(0)
frames = 2 * torch.rand(100, 2, 8, 8)
model = nn.Sequential(
    nn.Conv2d(2, 4, 3, padding=1, bias=False),
    sl.IAFSqueeze(batch_size=1, min_v_mem=-1.0),
    sl.SumPool2d(2),
    nn.Flatten(),
    nn.Linear(64, 20),
    sl.LIFSqueeze(batch_size=1, tau_mem=5.0, norm_input=False),
    nn.Linear(20, 5),
    sl.IAFSqueeze(batch_size=1, min_v_mem=-1.0),
)


def simulated(net):
    return Simulator(net).run(frames.numpy(), progress=False)


with torch.no_grad():
    spikes = model(frames).numpy()  # a batch of timesteps
net = netx.from_torch(model, (2, 8, 8))
print("by its modules:", spikes.any() and (simulated(net) == spikes).all())

graph = sinabs.nir.to_nir(model, frames)
with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
    graph.infer_types()
nir.write("theirs.nir", graph)
net = netx.load("theirs.nir", source="sinabs")
print("by its file:", (simulated(net) == spikes).all())

netx.save(net, "ours.nir", target="sinabs")
theirs = sinabs.nir.from_nir(nir.read("ours.nir"), batch_size=1)
with torch.no_grad():
    back = theirs(frames)
print("back:", ((back[0] if isinstance(back, tuple) else back).numpy() == spikes).all())
