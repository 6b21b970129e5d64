"""Plots draw on an Axes and return it."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

from bidl_sim import Network, Simulator, plots
from bidl_sim.errors import ShapeError
from bidl_sim.processes import LIF, Dense, Input


@pytest.fixture
def ax():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_a_raster_has_a_dot_for_every_spike(ax) -> None:
    spikes = np.array([[0, 1, 0], [1, 1, 0]])
    assert plots.raster(spikes, steps=np.array([4, 8]), ax=ax) is ax
    dots = ax.collections[0].get_offsets()
    assert sorted(map(tuple, dots)) == [(4, 1), (8, 0), (8, 1)]


def test_a_trace_has_a_line_for_every_neuron(ax) -> None:
    plots.trace(np.zeros((5, 2, 2)), ax=ax, threshold=1.0)
    assert len(ax.lines) == 5  # four neurons and the threshold


def test_a_rate_is_the_mean_over_neurons(ax) -> None:
    plots.rate(np.array([[0, 1], [1, 1], [0, 0]]), ax=ax, window=1)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.5, 1.0, 0.0])


def test_a_network_is_drawn_with_all_its_processes(ax) -> None:
    net = Network.sequential(Input(3), Dense(3, 2), LIF())
    net.connect(net.processes["lif1"], net.add(Dense(2, 2, name="back")))
    net.connect(net.processes["back"], net.processes["lif1"], delay=2)
    plots.network(net, ax)
    words = " ".join(text.get_text() for text in ax.texts)
    for word in ("input1", "dense1", "lif1", "back", "delay 2"):
        assert word in words


@pytest.mark.parametrize(("path", "kind"), [("lif1.s_out", "collections"), ("lif1.v", "lines")])
def test_a_probe_plots_what_it_recorded(ax, rng, path, kind) -> None:
    sim = Simulator(Network.sequential(Input(3), LIF()))
    probe = sim.probe(path)
    sim.run(rng.normal(0.5, 1, (2, 10, 3)))
    assert probe.plot(ax) is ax
    assert getattr(ax, kind)
    assert ax.get_title(loc="left") == path


def test_a_number_cannot_be_plotted(ax) -> None:
    with pytest.raises(ShapeError, match="takes values"):
        plots.trace(np.float64(3.0), ax=ax)
