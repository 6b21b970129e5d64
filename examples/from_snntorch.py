"""A model of snnTorch: by its modules, and by NIR files in both directions, with the same spikes.

Its writer needs a number for each neuron, and its reader resets to zero in the step of the spike;
`from_torch` needs neither.
"""

import contextlib
import io

try:
    import nir
    import snntorch as snn
    from snntorch import utils
    from snntorch.export_nir import export_to_nir
    from snntorch.import_nir import import_from_nir
except ImportError:
    raise SystemExit("this example needs snnTorch: pip install snntorch") from None
import torch
from torch import nn

from bidl_sim import Simulator, netx

torch.manual_seed(0)
frames = (torch.rand(100, 20) < 0.3).float()


def run(model, frames):
    """What a model sends, called once for each frame."""
    utils.reset(model)
    with torch.no_grad():
        out = [model(frame[None]) for frame in frames]
    return torch.cat([o[0] if isinstance(o, tuple) else o for o in out]).numpy()


def simulated(net):
    return Simulator(net).run(frames.numpy(), progress=False)


usual = {"init_hidden": True}
model = nn.Sequential(
    nn.Linear(20, 30),
    snn.Leaky(beta=0.9, **usual),
    nn.Linear(30, 5),
    snn.Synaptic(alpha=0.7, beta=0.8, **usual),
)
spikes = run(model, frames)
print("by its modules:", spikes.any() and (simulated(netx.from_torch(model, 20)) == spikes).all())

plain = {**usual, "reset_mechanism": "zero", "reset_delay": False}
model[1] = snn.Leaky(torch.full((30,), 0.9), torch.ones(30), **plain)
model[3] = snn.Synaptic(torch.full((5,), 0.7), torch.full((5,), 0.8), torch.ones(5), **plain)
spikes = run(model, frames)

nir.write("theirs.nir", export_to_nir(model, frames[:1], ignore_dims=[0]))
net = netx.load("theirs.nir", source="snntorch")
print("by its file:", spikes.any() and (simulated(net) == spikes).all())

netx.save(net, "ours.nir", target="snntorch")
with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
    theirs = import_from_nir(nir.read("ours.nir"))
print("back:", (run(theirs, frames) == spikes).all())
