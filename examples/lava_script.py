"""An inference script of Lava with only its import lines changed, on a file that is made first."""

import numpy as np

from bidl_sim import Network, netx
from bidl_sim.lava import io
from bidl_sim.lava.monitor import Monitor
from bidl_sim.lava.netx import hdf5
from bidl_sim.lava.run_conditions import RunSteps
from bidl_sim.lava.run_configs import Loihi2SimCfg
from bidl_sim.processes import CUBA, Conv2d, CUBAInput, Dense, Flatten, Input

rng = np.random.default_rng(0)


def even(*shape: int) -> np.ndarray:
    return 2.0 * rng.integers(-12, 14, shape)


def neurons(kind: type[CUBA]) -> CUBA:
    return kind(threshold=80, current_decay=0.5, voltage_decay=0.125, arithmetic="integer")


trained = Network.sequential(
    Input((2, 10, 12)),
    neurons(CUBAInput),
    Conv2d(2, 4, 3, stride=2, weight=even(4, 2, 3, 3), bias=False),
    neurons(CUBA),
    Flatten(),
    Dense(4 * 4 * 5, 3, weight=even(3, 80), bias=False),
    neurons(CUBA),
)
netx.save(trained, "network.net", format="lava-dl")

# -- from here on as with Lava ---------------------------------------------------------------------

net = hdf5.Network(net_config="network.net", reset_interval=16, reset_offset=1)
print(net)
print(f"There are {len(net)} layers in the network:")
for layer in net.layers:
    print(f"{layer.block:5s} : {layer.name}, shape : {layer.shape}")

images = rng.integers(0, 20, (3, *net.inp.shape))
dataset = [(image, label) for label, image in enumerate(images)]
num_steps = 16 * len(dataset) + len(net)

dataloader = io.dataloader.StateDataloader(dataset=dataset, interval=16)
dataloader.connect_var(net.in_layer.neuron.bias_mant)
output_logger = io.sink.RingBuffer(shape=net.out.shape, buffer=num_steps)
gt_logger = io.sink.RingBuffer(shape=(1,), buffer=num_steps)
dataloader.ground_truth.connect(gt_logger.a_in)
net.out.connect(output_logger.a_in)
monitor = Monitor()
monitor.probe(net.out_layer.neuron.v, num_steps)

net.run(condition=RunSteps(num_steps=num_steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
output = output_logger.data.get()
gts = gt_logger.data.get().flatten()
net.stop()

voltage = monitor.get_data()[net.out_layer.neuron.name]["v"]
print("output", output.shape, "voltage", voltage.shape, "between", voltage.min(), voltage.max())
for k in range(len(dataset)):
    steps = slice(16 * k + len(net), 16 * (k + 1) + len(net))
    print(f"sample {gts[16 * k + 1]:.0f}:", output[:, steps].sum(1).astype(int), "spikes")
