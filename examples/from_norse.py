"""A model of norse: by its modules, and by NIR files in both directions, with the same spikes.

Its writer needs a number for each neuron, and writes dt times a time constant; its reader is told
the timestep.
"""

try:
    import nir
    import norse.torch as norse
except ImportError:
    raise SystemExit("this example needs norse: pip install norse") from None
import torch
from torch import nn

from bidl_sim import Simulator, netx

torch.manual_seed(0)
frames = 40 * torch.rand(100, 20)


def lif(neurons, rate):
    leak, threshold = torch.zeros(neurons), torch.full((neurons,), 0.05)
    return norse.LIFBoxParameters(torch.full((neurons,), rate), v_leak=leak, v_th=threshold)


model = norse.SequentialState(
    nn.Linear(20, 30),
    norse.LIFBoxCell(lif(30, 100.0)),
    nn.Linear(30, 10),
    norse.IAFCell(norse.IAFParameters(v_th=torch.ones(10))),
    nn.Linear(10, 5),
    norse.LIFBoxCell(lif(5, 200.0)),
)


def run(model):
    """What a model sends, called once for each frame."""
    state, out = None, []
    with torch.no_grad():
        for frame in frames:
            spikes, state = model(frame[None], state)
            out.append(spikes)
    return torch.cat(out).numpy()


def simulated(net):
    return Simulator(net).run(frames.numpy(), progress=False)


spikes = run(model)
net = netx.from_torch(model, 20)
print("by its modules:", spikes.any() and (simulated(net) == spikes).all())

nir.write("theirs.nir", norse.to_nir(model, frames[:1]))
net = netx.load("theirs.nir", source="norse")
print("by its file:", (simulated(net) == spikes).all())

netx.save(net, "ours.nir", target="norse")
theirs = norse.from_nir(nir.read("ours.nir"), dt=0.001)
print("back:", (run(theirs) == spikes).all())
