"""A model of SpikingJelly: by its modules, and by NIR files in both directions, the same spikes."""

try:
    from spikingjelly.activation_based import functional, layer, neuron
    from spikingjelly.activation_based.nir_exchange import export_to_nir, import_from_nir
except ImportError:
    raise SystemExit(
        "this example needs SpikingJelly: pip install spikingjelly nir nirtorch"
    ) from None
import torch
from torch import nn

from bidl_sim import Simulator, netx

torch.manual_seed(0)
frames = 2 * torch.rand(100, 2, 8, 8)
model = nn.Sequential(
    layer.Conv2d(2, 4, 3, padding=1),
    neuron.IFNode(),
    layer.AvgPool2d(2),
    layer.Flatten(),
    layer.Linear(64, 20),
    neuron.LIFNode(tau=3.0, v_threshold=0.2),
    layer.Linear(20, 5),
    neuron.CUBALIFNode(v_threshold=0.5),
)


def simulated(net):
    return Simulator(net).run(frames.numpy(), progress=False)


functional.reset_net(model)
with torch.no_grad():
    spikes = torch.cat([model(frame[None]) for frame in frames]).numpy()
functional.reset_net(model)
net = netx.from_torch(model, (2, 8, 8))
print("by its modules:", spikes.any() and (simulated(net) == spikes).all())

export_to_nir(model, frames[:1], save_path="theirs.nir")
net = netx.load("theirs.nir", source="spikingjelly")
print("by its file:", (simulated(net) == spikes).all())

netx.save(net, "ours.nir", target="spikingjelly")
theirs, state, back = import_from_nir("ours.nir"), None, []
with torch.no_grad():
    for frame in frames:
        out, state = theirs(frame[None], state)
        back.append(out)
print("back:", (torch.cat(back).numpy() == spikes).all())
