"""Lava's words: connecting, running, looking, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from bidl_sim import BidlError, Network, netx
from bidl_sim.lava import io
from bidl_sim.lava.monitor import Monitor
from bidl_sim.lava.netx import hdf5
from bidl_sim.lava.run_conditions import RunContinuous, RunSteps
from bidl_sim.lava.run_configs import Loihi1SimCfg, Loihi2HwCfg, Loihi2SimCfg, RunConfig
from bidl_sim.processes import CUBA, CUBAInput, Delta, Dense, Flatten, Input, SigmaDelta


@pytest.fixture
def dense(tmp_path):
    """A file with two LIF that spike when their input does, one step later."""
    lif = CUBA(threshold=10, current_decay=1, voltage_decay=1, arithmetic="integer")
    net = Network.sequential(Input(2), Dense(2, 2, weight=20 * np.eye(2), bias=False), lif)
    netx.save(net, tmp_path / "dense.net", format="lava-dl")
    return tmp_path / "dense.net"


@pytest.fixture
def frames(tmp_path):
    """A file with an input layer of six LIF that add up their bias, and a read-out."""
    numbers = {"current_decay": 0.5, "voltage_decay": 0, "arithmetic": "integer"}
    net = Network.sequential(
        Input((1, 2, 3)),
        CUBAInput(threshold=100, **numbers),
        Flatten(),
        Dense(6, 1, weight=2 * np.ones((1, 6)), bias=False),
        CUBA(threshold=1000, **numbers),
    )
    netx.save(net, tmp_path / "frames.net", format="lava-dl")
    return tmp_path / "frames.net"


def recorded(port, steps: int) -> io.sink.RingBuffer:
    sink = io.sink.RingBuffer(shape=port.shape, buffer=steps)
    port.connect(sink.a_in)
    return sink


def test_a_ring_goes_round(dense) -> None:
    """Source and sink begin again at their ends, in one run or several."""
    net = hdf5.Network(net_config=dense)
    source = io.source.RingBuffer(data=[[1, 0, 0], [0, 0, 1]])
    sink = recorded(net.out, 4)
    source.s_out.connect(net.inp)
    for _ in range(3):
        net.run(condition=RunSteps(num_steps=2), run_cfg=Loihi2SimCfg())
    late = np.roll(np.tile([[1, 0, 0], [0, 0, 1]], 2), 1, axis=1)
    assert sink.data.get().tolist() == late[:, [4, 5, 2, 3]].tolist()


def test_values_count_as_spikes_without_message_bits(dense) -> None:
    for bits, wanted in ((0, [1, 1]), (8, [0, 0])):
        net = hdf5.Network(net_config=dense, input_message_bits=bits)
        source = io.source.RingBuffer(data=[[0.25], [-3]])
        source.s_out.connect(net.inp)
        sink = recorded(net.out, 2)
        net.run(RunSteps(2))
        assert sink.data.get()[:, 1].tolist() == wanted
        assert net.in_layer.input_message_bits == bits


def test_layers_can_be_asked(frames) -> None:
    net = hdf5.Network(net_config=frames)
    assert [layer.block for layer in net.layers] == ["Input", "Dense"]
    assert [type(layer).__name__ for layer in net] == ["Input", "Dense"]
    assert (len(net), net[-1], net.in_layer.shape) == (2, net.out_layer, (3, 2, 1))
    assert net.in_layer.transform == {"weight": 64, "bias": 0}
    assert net.out_layer.synapse.weights.get().tolist() == [[2] * 6]
    assert net.net_config["layer"][2]["neuron"]["vThMant"] == 1000
    neuron = net.out_layer.neuron
    found = [var.get().item() for var in (neuron.vth, neuron.du, neuron.dv, neuron.v)]
    assert found == [1000, 2047, 0, 0]
    assert str(net).splitlines()[2:] == [
        "layer0  Input  3  2        1                                                      CUBA",
        "layer2  Dense  1  1        1                                                      CUBA",
    ]
    with pytest.raises(AttributeError, match=r"layer0 has no 'sigma'; has: .*bias_mant"):
        _ = net.in_layer.neuron.sigma


def test_a_bias_is_a_variable(frames) -> None:
    """Set before a run and between runs; in Lava's order of axes."""
    net = hdf5.Network(net_config=frames)
    neuron, bias = net.in_layer.neuron, np.arange(6).reshape(3, 2, 1)
    neuron.bias_mant.init = bias
    assert neuron.bias_mant.get().tolist() == bias.tolist()
    monitor = Monitor()
    monitor.probe(neuron.v, 4)
    net.run(condition=RunSteps(num_steps=2), run_cfg=Loihi1SimCfg(select_tag="fixed_pt"))
    assert neuron.v.get().tolist() == (2 * 64 * bias).tolist()
    neuron.bias_mant.set(10 * bias)
    neuron.v.set(-1, idx=(2, 1, 0))
    net.run(condition=RunSteps(num_steps=1), run_cfg=None)
    wanted = (12 * 64 * bias).astype(float)
    wanted[2, 1, 0] = 50 * 64 - 1
    data = monitor.get_data()["layer0"]["v"]
    np.testing.assert_array_equal(data, [64 * bias, 128 * bias, wanted, 0 * bias])


def test_graded_input_is_kept_by_the_current(frames) -> None:
    """With du = -1, as PilotNet's input layer is set for differences instead of frames."""
    net = hdf5.Network(net_config=frames)
    net.in_layer.neuron.du.init = -1
    data = np.zeros((3, 2, 1, 4))
    data[1, 0, 0, :2] = 5, -2
    source = io.source.RingBuffer(data=data)
    source.s_out.connect(net.in_layer.neuron.a_in)
    monitor = Monitor()
    monitor.probe(net.in_layer.neuron.u, 4)
    monitor.probe(net.in_layer.neuron.v, 4)
    net.run(RunSteps(4))
    found = monitor.get_data()["layer0"]
    assert found["u"][:, 1, 0, 0].tolist() == [320, 192, 192, 192]
    assert found["v"][:, 1, 0, 0].tolist() == [320, 512, 704, 896]
    assert not found["u"][:, 0].any()


class Numbers:
    """Samples 1, 2 and 3."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape

    def __len__(self) -> int:
        return 3

    def __getitem__(self, k: int) -> tuple[np.ndarray, float]:
        return np.full(self.shape, k + 1.0), 10.0 * (k + 1)


def test_samples_come_one_after_the_other() -> None:
    """Cut or filled with zeros, one step after they are loaded; the first follows the last."""
    for length, shown in ((1, [1, 0, 2, 0, 3, 0, 1]), (5, [1, 1, 2, 2, 3, 3, 1])):
        loader = io.dataloader.SpikeDataloader(dataset=Numbers(2, length), interval=2, offset=3)
        sink, truth = recorded(loader.s_out, 9), recorded(loader.ground_truth, 9)
        loader.run(RunSteps(9))
        assert sink.data.get().tolist() == [[0, 0, *shown]] * 2
        assert truth.data.get().tolist() == [[0, 0, 10, 10, 20, 20, 30, 30, 10]]


def test_samples_are_written_to_a_variable_and_read_from_one(frames) -> None:
    net = hdf5.Network(net_config=frames, reset_interval=3, reset_offset=1)
    loader = io.dataloader.StateDataloader(dataset=Numbers(3, 2, 1), interval=3)
    loader.connect_var(net.in_layer.neuron.bias_mant)
    read = io.sink.Read(buffer=3, interval=3, offset=3)
    read.connect_var(net.in_layer.neuron.v)
    net.run(RunSteps(10))
    # three steps of each bias, of which the last is read; the fourth value took the first's place
    assert read.data.shape == (3, 2, 1, 3)
    assert read.data.get().tolist() == np.tile([576, 192, 384], (3, 2, 1, 1)).tolist()


def test_a_run_in_the_background(dense) -> None:
    net = hdf5.Network(net_config=dense)
    source = io.source.RingBuffer(data=np.ones((2, 1)))
    source.s_out.connect(net.inp)
    reader = io.OutputReader()
    net.out.connect(reader.net_output_in)
    net.run(condition=RunSteps(num_steps=30, blocking=False), run_cfg=Loihi2SimCfg())
    net.wait()
    assert not net.is_running
    assert reader.data.get().shape == (2, 30)
    net.run(condition=RunContinuous(), run_cfg=Loihi2SimCfg())
    net.pause()
    done = reader.data.get().shape[1]
    assert done >= 30
    assert net.out_layer.neuron.v.get().tolist() == [0, 0]
    net.run(condition=RunSteps(num_steps=5))
    assert reader.data.get().shape[1] == done + 5
    assert reader.data.get()[:, 1:].all()
    net.run(condition=RunContinuous())
    net.stop()
    with pytest.raises(BidlError, match="were stopped"):
        net.run(condition=RunSteps(num_steps=1))


def test_what_ends_a_run_in_the_background_is_raised_where_it_is_waited_for() -> None:
    class Broken(Numbers):
        def __getitem__(self, k: int) -> tuple[np.ndarray, float]:
            if k:
                raise OSError("no such image")
            return super().__getitem__(k)

    loader = io.dataloader.SpikeDataloader(dataset=Broken(2, 1))
    recorded(loader.s_out, 1)
    loader.run(RunContinuous())
    with pytest.raises(OSError, match="no such image"):
        loader.wait()


def test_sigma_delta_variables_are_in_units_of_the_state(tmp_path) -> None:
    net = Network.sequential(
        Input(2),
        Delta(threshold=1, arithmetic="integer"),
        Dense(2, 1, weight=64 * np.ones((1, 2)), bias=False),
        SigmaDelta(threshold=3, bias=np.array([4.0]), arithmetic="integer"),
    )
    netx.save(net, tmp_path / "sd.net", format="lava-dl")
    for exponent in (6, 2):
        found = hdf5.Network(net_config=tmp_path / "sd.net", spike_exp=exponent)
        neuron = found.out_layer.neuron
        assert (neuron.vth.get(), neuron.bias.get()) == (3 << 6 + exponent, 4 << 6 + exponent)
        assert found.out_layer.output_message_bits == 16
        sink = recorded(found.out, 3)
        source = io.source.RingBuffer(data=[[5], [6]])
        source.s_out.connect(found.inp)
        found.run(RunSteps(3))
        assert sink.data.get().tolist() == [[4 << exponent, 11 << exponent, 0]]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda net: Loihi2HwCfg(select_tag="fixed_pt"), "Loihi2HwCfg: needs Intel's compiler"),
        (lambda net: net.run(RunSteps(1), Loihi1SimCfg(select_tag="floating_pt")), "floating_pt"),
        (lambda net: RunSteps(0), "num_steps"),
        (lambda net: net.out.connect(3), "connect layer0.s_out: takes an InPort, got 3"),
        (lambda net: net.out.flatten(), "layer0.s_out: cannot be reshaped, flattened"),
        (
            lambda net: net.out.connect(io.sink.RingBuffer(shape=(3,), buffer=1).a_in),
            r"connect layer0.s_out to RingBuffer.a_in: sends shape \(2,\), wanted \(3,\)",
        ),
        (lambda net: net.run(RunSteps(1)), "nothing is connected to this input"),
        (lambda net: Monitor().probe(net.inp, 3), "takes a variable of a neuron or an OutPort"),
        (lambda net: Monitor().run(RunSteps(1)), "connected to nothing that can run"),
        (lambda net: net.out_layer.neuron.v.set([1, 2, 3]), r"layer0.v: must be of shape \(2,\)"),
        (lambda net: io.source.RingBuffer(data=[1, 2]), "time last"),
        (lambda net: io.reset.Reset(interval=0), "interval"),
        (lambda net: io.dataloader.SpikeDataloader(dataset=[]), "is empty"),
        (lambda net: io.dataloader.InputLoader(dataset=[1]), "pair of data and ground truth"),
        (lambda net: io.encoder.DeltaEncoder(shape=(2,), vth=1, num_bits=8), "num_bits"),
        (
            lambda net: io.encoder.DeltaEncoder(
                shape=(2,), vth=1, compression=io.encoder.Compression.PACKED_4
            ),
            "must be DENSE or SPARSE",
        ),
    ],
)
def test_what_is_refused_is_named(dense, act, message) -> None:
    net = hdf5.Network(net_config=dense)
    with pytest.raises(BidlError, match=message):
        act(net)


def test_processes_that_have_run_stay_as_they_are(dense) -> None:
    net = hdf5.Network(net_config=dense)
    source = io.source.RingBuffer(data=np.ones((2, 1)))
    net.inp.connect_from(source.s_out)
    reset = io.reset.Reset()
    reset.neighbours.append(net)
    net.run(RunSteps(1), run_cfg=RunConfig())
    with pytest.raises(BidlError, match="have run already"):
        recorded(net.out, 1)
    with pytest.raises(BidlError, match="has run already"):
        Monitor().probe(net.out, 1)
    with pytest.raises(BidlError, match="sets no variable"):
        reset.run(RunSteps(1))
