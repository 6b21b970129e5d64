"""Recorded signals go to NIR's files for data and come back."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from bidl_sim import Network, Simulator
from bidl_sim.errors import FormatError, ParameterError
from bidl_sim.netx.nir.signals import read_signals, write_signals
from bidl_sim.processes import LIF, Input


@pytest.fixture
def probes(rng):
    sim = Simulator(Network.sequential(Input((2, 3)), LIF(alpha=0.8)))
    found = [sim.probe("lif1.s_out"), sim.probe("lif1.v", every=4)]
    sim.run(rng.normal(0.4, 0.5, (2, 12, 2, 3)), progress=False)
    return found


def test_probes_come_back(probes, tmp_path) -> None:
    write_signals(tmp_path / "a.nird", probes, dt=1e-3)
    found = read_signals(tmp_path / "a.nird")
    assert set(found) == {"lif1.s_out", "lif1.v"}
    assert found["lif1.s_out"].data.dtype == bool
    np.testing.assert_array_equal(found["lif1.s_out"].data, probes[0].data.reshape(2, 12, 6))
    np.testing.assert_array_equal(found["lif1.v"].data, probes[1].data.reshape(2, 3, 6))
    assert found["lif1.v"].dt == 4e-3


def test_the_package_nir_reads_them_and_writes_events_that_we_read(probes, tmp_path) -> None:
    nir = pytest.importorskip("nir")
    write_signals(tmp_path / "a.nird", probes, dt=1e-3)
    spikes = nir.read_data(tmp_path / "a.nird").nodes["lif1"].observables["s_out"]
    np.testing.assert_array_equal(spikes.data, probes[0].data.reshape(2, 12, 6))
    events = spikes.to_event(n_events=80)
    valued = nir.ValuedEventData(events.idx, events.time, 6, events.t_max, 2.0 * events.idx)
    node = nir.NIRNodeData({"spikes": events, "sizes": valued})
    nir.write_data(tmp_path / "b.nird", nir.NIRGraphData({"lif1": node}))
    with pytest.raises(FormatError, match="holds events, which have no timestep"):
        read_signals(tmp_path / "b.nird")
    found = read_signals(tmp_path / "b.nird", dt=1e-3)
    np.testing.assert_array_equal(found["lif1.spikes"].data, spikes.data)
    wanted = 2.0 * np.arange(6) * spikes.data
    np.testing.assert_array_equal(found["lif1.sizes"].data, wanted)


def test_what_no_file_can_hold_is_refused(probes, tmp_path) -> None:
    with pytest.raises(ParameterError, match=r"two probes recorded 'lif1\.v'"):
        write_signals(tmp_path / "a.nird", [probes[1], probes[1]], dt=1e-3)
    with pytest.raises(ParameterError, match="dt: must be seconds > 0"):
        write_signals(tmp_path / "a.nird", probes, dt=0)
    assert not list(tmp_path.iterdir())


def events(index, time, **attributes):
    def make(group: h5py.Group) -> None:
        group["idx"], group["time"] = np.array(index), np.array(time)
        group.attrs.update({"n_neurons": 3, "t_max": 0.01, **attributes})

    return make


WRONG = {
    "a neuron too far": (events([[3]], [[0.0]]), "an event lies outside its neurons"),
    "a time too late": (events([[0]], [[0.02]]), "an event lies outside"),
    "a time that is none": (events([[0]], [[np.nan]]), "an event lies outside"),
    "years": (events([[0]], [[0.0]], t_max=1e9), "would be 1 x 1000000000000 x 3 values"),
    "no end": (events([[0]], [[0.0]], t_max=np.inf), "attribute 't_max': must be a number above"),
    "a text": (events([[0]], [[0.0]], t_max="x"), "attribute 't_max': must be a number"),
    "arrays of two shapes": (events([[0]], [[0.0, 1.0]]), "all of one shape"),
    "two axes": (lambda g: g.create_dataset("data", data=np.ones((2, 2))), r"must be \(sample, "),
    "something else": (lambda g: g.create_dataset("x", data=1), r"holds \['x'\], wanted data"),
    "no dt": (lambda g: g.create_dataset("data", data=np.ones((1, 2, 2))), "'dt': is missing"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_damaged_is_refused_by_name(name, tmp_path) -> None:
    make, text = WRONG[name]
    with h5py.File(tmp_path / "a.nird", "w") as file:
        make(file.create_group("nodes/lif1/observables/s"))
    with pytest.raises(FormatError, match=text) as caught:
        read_signals(tmp_path / "a.nird", dt=1e-3)
    assert "/nodes/lif1/observables/s" in str(caught.value)
