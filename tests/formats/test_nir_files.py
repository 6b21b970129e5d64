"""Networks from published NIR files give the spikes that several libraries agree on."""

from __future__ import annotations

import numpy as np
import pytest
from nir_protocols import GOLDEN, Protocol

from bidl_sim import Simulator, netx
from bidl_sim.errors import FormatError, ParameterError


@pytest.mark.parametrize("name", GOLDEN)
def test_every_spike_is_the_same(name, nir_files) -> None:
    protocol = Protocol(nir_files, name)
    net = netx.load(protocol.path, **protocol.options)
    protocol.check(net)
    protocol.check(net, dtype="float64")


@pytest.mark.parametrize("name", [GOLDEN[0], GOLDEN[3]])
def test_on_the_event_engine_too(name, nir_files) -> None:
    protocol = Protocol(nir_files, name)
    protocol.check(netx.load(protocol.path, **protocol.options), engine="event")


def test_a_published_run_of_one_neuron(nir_files) -> None:
    """The rows of the CSV are those of the exact solution: input, potential, spike."""
    rows = np.loadtxt(nir_files / "lif_exact.csv", delimiter=",")
    net = netx.load(nir_files / "lif_norse.nir", dt=1e-4)
    out = Simulator(net).run(rows[:, :1], progress=False)
    np.testing.assert_array_equal(np.flatnonzero(out), np.flatnonzero(rows[:, 2]))


def test_a_broken_subgraph_is_refused_by_its_edge(nir_files) -> None:
    path = nir_files / "braille_noDelay_noBias_subtract_subgraph.nir"
    with pytest.raises(FormatError, match=r"nodes/lif1/edges: 'input' -> 'lif': there is no node"):
        netx.load(path, dt=1e-4)


def test_a_timestep_is_needed_to_run_and_not_to_look(nir_files) -> None:
    with pytest.raises(ParameterError, match=r"netx\.load, dt: is needed"):
        netx.load(nir_files / "cnn_sinabs.nir")
    found = netx.info(nir_files / "cnn_sinabs.nir")
    assert found.format == "NIR"
    assert found.neurons == 16 * 16 * 16 * 2 + 8 * 8 * 8 + 256 + 10
