"""The network of lava-dl's README. Of its lines, only the import of slayer is another one."""

import h5py
import torch

import bidl_sim.slayer as slayer  # import lava.lib.dl.slayer as slayer

sdnn_params = {"threshold": 0.05, "activation": torch.nn.functional.relu, "tau_grad": 0.5}
rf_params = {"threshold": 0.3, "period": 8, "decay": 0.1}
cuba_params = {"threshold": 0.3, "current_decay": 0.5, "voltage_decay": 0.2}
alif_params = cuba_params | {
    "threshold_step": 0.1,
    "threshold_decay": 0.2,
    "refractory_decay": 0.5,
}


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = torch.nn.ModuleList(
            [
                slayer.block.sigma_delta.Input(sdnn_params),
                slayer.block.sigma_delta.Conv(sdnn_params, 3, 8, 3, weight_scale=2),
                slayer.block.sigma_delta.Conv(sdnn_params, 8, 12, 3, weight_scale=2),
                slayer.block.rf_iz.Conv(rf_params, 12, 16, 3, weight_scale=2, delay=True),
                slayer.block.rf_iz.Conv(rf_params, 16, 16, 3, weight_scale=2, delay=True),
                slayer.block.rf_iz.Flatten(),
                slayer.block.alif.Dense(alif_params, 16 * 8, 40, delay=True),
                slayer.block.cuba.Recurrent(cuba_params, 40, 20),
                slayer.block.cuba.KWTA(cuba_params, 20, 20, num_winners=5),
            ]
        )

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x

    def export_hdf5(self, filename):
        with h5py.File(filename, "w") as h:
            layer = h.create_group("layer")
            for i, b in enumerate(self.blocks):
                b.export_hdf5(layer.create_group(f"{i}"))


# films of 12 x 10 pixels: the class is which of two colours flickers
torch.manual_seed(0)
labels = torch.arange(24) % 2
films = 0.1 * torch.rand(24, 3, 12, 10, 12)
flicker = torch.sin(2 * torch.pi * (torch.arange(12) / 8 + torch.rand(24, 1)))
films[torch.arange(24), labels] += 0.4 + 0.4 * flicker[:, None, None]

net = Network()
error = slayer.loss.SpikeRate(true_rate=0.5, false_rate=0.02)
optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
stats = slayer.utils.LearningStats()
assistant = slayer.utils.Assistant(
    net, error, optimizer, stats, classifier=slayer.classifier.Rate.predict
)
for _ in range(4):
    for k in torch.randperm(16).split(4):
        assistant.train(films[k], labels[k])
    assistant.test(films[16:], labels[16:])
    stats.update()
first, *_, last = stats.testing.loss_log
print("learns:", last < first)

net.export_hdf5("network.net")
with h5py.File("network.net") as file:
    for i in range(len(net.blocks)):
        layer = file[f"layer/{i}"]
        neuron = layer["neuron/type"].asstr()[()] if "neuron" in layer else "-"
        print(i, layer["type"].asstr()[0], layer["shape"][()], neuron)
