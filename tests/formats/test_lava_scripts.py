"""Inference scripts of lava-dl, with only their import lines changed, give what Lava gives."""

from __future__ import annotations

import numpy as np
import pytest

from bidl_sim import slayer
from bidl_sim.lava import io, netx
from bidl_sim.lava import run_conditions as rcnd
from bidl_sim.lava import run_configs as rcfg
from bidl_sim.lava.io import BiasWriter, InputLoader, OutputReader
from bidl_sim.lava.monitor import Monitor
from bidl_sim.lava.netx import hdf5
from bidl_sim.lava.run_conditions import RunSteps
from bidl_sim.lava.run_configs import Loihi1SimCfg, Loihi2SimCfg
from bidl_sim.lava.system import Loihi2


class Frames:
    """A frame that stays, and what is true of it."""

    def __init__(self, frame: np.ndarray, truth: float = 0.25) -> None:
        self.frame, self.truth = frame, truth

    def __len__(self) -> int:
        return 200

    def __getitem__(self, index: int) -> tuple[np.ndarray, float]:
        return self.frame, self.truth


def later(output: np.ndarray, steps: int) -> np.ndarray:
    """PilotNet's output if frames come later: until they reach it, in step 8, biases alone act."""
    return np.insert(output, 8, np.tile(output[:, 7:8], steps).T, axis=1)


def test_the_readme_with_bias(lava_netx) -> None:
    """InputLoader, BiasWriter, OutputReader, on tiny.net."""
    input_shape = (16, 16, 3)
    testing_set = Frames(np.load(lava_netx / "tinynet" / "input_bias.npy"))
    total_run_time = 20

    net = hdf5.Network(net_config=str(lava_netx / "tiny.net"), reset_interval=17)

    input_loader = InputLoader(dataset=testing_set)
    bias_writer = BiasWriter(shape=input_shape)
    output = OutputReader()
    input_loader.data_out.connect(bias_writer.bias_in)
    bias_writer.bias_out.connect(net.in_layer.bias)
    net.out_layer.neuron.s_out.connect(output.net_output_in)
    net.run(condition=rcnd.RunSteps(total_run_time), run_cfg=rcfg.Loihi1SimCfg())

    truth = np.load(lava_netx / "tinynet" / "output.npy")[0].transpose(2, 1, 0, 3)
    np.testing.assert_array_equal(output.data.get()[..., 2:17], truth[..., 1:])


@pytest.mark.parametrize("spike_exp", [6, 0])
def test_the_readme_with_spikes(spike_exp, lava_netx) -> None:
    """SpikeDataloader with its ground truth, ring buffers, on PilotNet."""
    folder = lava_netx / "pilotnet_sdnn"
    test_set = Frames(np.load(folder / "input.npy"))
    num_steps = total_run_time = 10

    net = hdf5.Network(net_config=str(folder / "network.net"), spike_exp=spike_exp)

    dataloader = io.dataloader.SpikeDataloader(dataset=test_set)
    output_logger = io.sink.RingBuffer(shape=net.out_layer.shape, buffer=num_steps)
    gt_logger = io.sink.RingBuffer(shape=(1,), buffer=num_steps)
    dataloader.ground_truth.connect(gt_logger.a_in)
    dataloader.s_out.connect(net.in_layer.neuron.a_in)
    net.out_layer.out.connect(output_logger.a_in)
    net.run(condition=rcnd.RunSteps(total_run_time), run_cfg=rcfg.Loihi1SimCfg())

    # a sample is loaded at the end of the first step
    found, truth = output_logger.data.get(), later(np.load(folder / "output.npy"), 1)
    if spike_exp == 6:
        np.testing.assert_array_equal(found, truth)
    else:
        assert 0 < np.abs(found - truth / 64).mean() < 2 * 64  # lava-dl's own tolerance
    assert gt_logger.data.get().tolist() == [[0.0] + 9 * [0.25]]


def test_resets_by_process(lava_netx) -> None:
    """A bias that is set, a Reset for each state, and a Monitor."""
    net = netx.hdf5.Network(net_config=lava_netx / "tiny.net")
    num_steps = 17 + len(net)
    sink = io.sink.RingBuffer(shape=net.out_layer.out.shape, buffer=num_steps)
    net.out_layer.out.connect(sink.a_in)
    for i, layer in enumerate(net.layers):
        u_resetter = io.reset.Reset(interval=17, offset=i - 1)
        v_resetter = io.reset.Reset(interval=17, offset=i - 1)
        u_resetter.connect_var(layer.neuron.u)
        v_resetter.connect_var(layer.neuron.v)
    monitor = Monitor()
    monitor.probe(net.layers[1].neuron.u, num_steps)
    monitor.probe(net.layers[1].out, num_steps)
    net.in_layer.neuron.bias_mant.init = np.load(lava_netx / "tinynet" / "input_bias.npy")
    net.run(condition=RunSteps(num_steps=num_steps), run_cfg=Loihi1SimCfg(select_tag="fixed_pt"))
    output = sink.data.get()
    net.stop()

    truth = {
        name: np.load(lava_netx / "tinynet" / f"{name}.npy")[0].transpose(2, 1, 0, 3)[..., 1:]
        for name in ("output", "layer1", "current")
    }
    np.testing.assert_array_equal(output[..., 2:17], truth["output"])
    data = {name: np.moveaxis(x, 0, -1) for name, x in monitor.get_data()["layer1"].items()}
    np.testing.assert_array_equal(data["s_out"][..., 1:16], truth["layer1"])
    np.testing.assert_array_equal(data["u"][..., 1:16], 64 * truth["current"])


def test_oxford(lava_netx, lava_golden) -> None:
    folder = lava_netx / "oxford"
    Loihi2.preferred_partition = "oheogulch"
    assert not Loihi2.is_loihi2_available

    class CustomSimRunConfig(Loihi2SimCfg):
        def __init__(self) -> None:
            super().__init__(select_tag="fixed_pt")

    net = netx.hdf5.Network(net_config=folder / "network.net", sparse_fc_layer=True)
    input = slayer.io.read_np_spikes(folder / "input.npy")  # noqa: A001
    source = io.source.RingBuffer(data=input.to_tensor(dim=(1, 1, 200, 2000)).squeeze())
    sink = io.sink.RingBuffer(shape=net.out.shape, buffer=2000)
    inp_adapter = io.InputAdapter(shape=net.inp.shape)
    out_adapter = io.OutputAdapter(shape=net.out.shape)
    source.s_out.connect(inp_adapter.inp)
    inp_adapter.out.connect(net.inp)
    net.out.connect(out_adapter.inp)
    out_adapter.out.connect(sink.a_in)
    net.run(condition=RunSteps(num_steps=2000), run_cfg=CustomSimRunConfig())
    output = sink.data.get()
    net.stop()

    np.testing.assert_array_equal(output, np.load(lava_golden / "oxford" / "lava_out.npy"))
    out_event = slayer.io.tensor_to_event(output.reshape((1, 1, *output.shape)))
    assert len(out_event.t) == 9565


def test_pilotnet_with_an_encoder(lava_netx) -> None:
    """Frames become differences on the host, and the network begins with its second layer."""
    folder = lava_netx / "pilotnet_sdnn"
    net = netx.hdf5.Network(net_config=folder / "network.net", skip_layers=1)
    assert (len(net), net.input_message_bits, net.inp.shape) == (8, 16, (100, 33, 3))
    vth = net.net_config["layer"][0]["neuron"]["vThMant"]
    dataloader = io.dataloader.SpikeDataloader(dataset=Frames(np.load(folder / "input.npy")))
    encoder = io.encoder.DeltaEncoder(shape=net.inp.shape, vth=vth, spike_exp=6)
    output_logger = io.sink.RingBuffer(shape=net.out.shape, buffer=11)
    dataloader.s_out.connect(encoder.a_in)
    encoder.s_out.connect(net.inp)
    net.out.connect(output_logger.a_in)
    net.run(condition=RunSteps(num_steps=11), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    # a step for the dataloader, another for the encoder
    truth = later(np.load(folder / "output.npy"), 2)
    np.testing.assert_array_equal(output_logger.data.get(), truth)


def test_all_states_of_a_layer(lava_golden) -> None:
    """Graded and plain neurons, delays and recurrence: layer after layer what Lava recorded."""
    for name in ("cuba_recurrent", "cuba_mlp_delay", "rf_mlp"):
        with np.load(lava_golden / "nets" / f"{name}.npz") as file:
            arrays = dict(file)
        net = netx.hdf5.Network(net_config=lava_golden / "nets" / f"{name}.net")
        source = io.source.RingBuffer(data=arrays["x"][0])
        source.s_out.connect(net.inp)
        monitor, steps = Monitor(), arrays["x"].shape[-1]
        for layer in net:
            monitor.probe(layer.neuron.s_out, steps)
            monitor.probe(getattr(layer.neuron, "real" if "rf" in name else "v"), steps)
        net.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg())
        data = monitor.get_data()
        for k, layer in enumerate(net.layers):
            wanted = arrays[f"lava_s{k}"].T[:steps]
            np.testing.assert_array_equal(data[layer.name]["s_out"], wanted, layer.name)
            state = "real" if "rf" in name else "v"
            if f"lava_{state}{k}" in arrays:
                wanted = arrays[f"lava_{state}{k}"].T[:steps]
                np.testing.assert_array_equal(data[layer.name][state], wanted, layer.name)
