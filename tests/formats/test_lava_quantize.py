"""Trained networks in the numbers of lava-dl's files."""

from __future__ import annotations

import numpy as np
import pytest

import bidl_sim.processes as bp
from bidl_sim import Network, Simulator, netx
from bidl_sim.errors import FormatError
from bidl_sim.netx.lava import quantize
from bidl_sim.netx.lava.quantize import quantized
from bidl_sim.processes.quantization import Grid


def trained(rng: np.random.Generator) -> Network:
    """Values as training leaves them, with all that can be folded."""
    return Network.sequential(
        bp.Input((2, 12, 12)),
        bp.Conv2d(2, 4, 3, padding=1, bias=rng.normal(0, 0.1, 4)),
        bp.BatchNorm(
            weight=rng.uniform(0.5, 2, 4),
            bias=rng.normal(0, 0.1, 4),
            mean=rng.normal(0, 0.1, 4),
            var=rng.uniform(0.5, 2, 4),
        ),
        bp.LIF(alpha=0.8, v_th=0.4),
        bp.AvgPool2d(2),
        bp.Conv2d(4, 6, 3, padding=1),
        bp.AvgPool2d(2),
        bp.Dropout(0.5),
        bp.LIF(alpha=[0.3, 0.5, 0.6, 0.7, 0.8, 0.9], v_th=0.3),
        bp.Flatten(),
        bp.Dense(54, 5),
        bp.TimeMean(),
        seed=3,
    )


@pytest.fixture
def frames(rng) -> np.ndarray:
    return (rng.random((20, 15, 2, 12, 12)) < 0.2).astype(float)


def run(net: Network, frames: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The output, and the spikes of the two populations."""
    sim = Simulator(net, dtype="float64")
    probes = [sim.probe(f"{name}.s_out") for name in ("lif1", "lif2")]
    return sim.run(frames, progress=False), [p.data for p in probes]


def test_rounding_moves_few_spikes(rng, frames) -> None:
    net = trained(rng)
    before, spikes = run(net, frames)
    after, rounded = run(quantized(net), frames)
    for one, other in zip(spikes, rounded, strict=True):
        assert 0.01 < one.mean() < 0.5
        assert (one != other).mean() < 0.03
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.98
    assert (before.argmax(1) == after.argmax(1)).mean() >= 0.8


def test_folding_alone_moves_none(rng, frames, monkeypatch) -> None:
    """On a grid of 24 bits, with real numbers behind it."""
    monkeypatch.setattr(quantize, "Grid", lambda scale, bits: Grid(1 << 21, 24))
    net = trained(rng)
    fine = quantized(net)
    for process in fine.processes.values():
        if isinstance(process, bp.CUBA):
            process.arithmetic = "float"
    for one, other in zip(run(net, frames)[1], run(fine, frames)[1], strict=True):
        assert (one != other).mean() < 1e-4  # potentials within 2^-21 of a threshold


def test_a_file_gives_the_spikes_of_the_rounded_network(rng, frames, tmp_path) -> None:
    small = quantized(trained(rng))
    netx.save(small, tmp_path / "a.net", format="lava-dl")
    wanted = Simulator(small).run(frames, progress=False)
    for options, unit in (({"arithmetic": "fixed"}, 1), ({}, 4096)):
        again = netx.load(tmp_path / "a.net", voltage=True, **options)
        found = Simulator(again).run(frames, progress=False)[:, -1]
        np.testing.assert_array_equal(found / unit, wanted)


def test_pools_before_and_behind_a_strided_convolution(rng, monkeypatch) -> None:
    """Sizes that leave a rest, and a factor for the sums of a pool."""
    monkeypatch.setattr(quantize, "Grid", lambda scale, bits: Grid(1 << 21, 24))
    net = Network.sequential(
        *(bp.Input((2, 18, 18)), bp.SumPool2d(2, weight=0.5)),
        *(bp.Conv2d(2, 3, 3, stride=2, padding=1), bp.SumPool2d(2, weight=0.3)),
        bp.LIF(alpha=0.8, v_th=0.4),
        seed=1,
    )
    fine = quantized(net)
    fine.processes["lif1"].arithmetic = "float"
    x = (rng.random((20, 2, 18, 18)) < 0.3).astype(float)
    wanted = Simulator(net, dtype="float64").run(x, progress=False)
    assert wanted.shape == (20, 3, 2, 2)
    assert 0.05 < wanted.mean() < 0.95
    np.testing.assert_array_equal(Simulator(fine, dtype="float64").run(x, progress=False), wanted)


@pytest.mark.parametrize(
    ("process", "named"),
    [
        (bp.LIF(reset="soft"), "reset"),
        (bp.LIF(beta=0.1), "beta"),
        (bp.LIF(norm="membrane"), "norm"),
        (bp.CUBA(current_decay=0.5), "current_decay=1"),
        (bp.MaxPool2d(1), "MaxPool2d"),
        (bp.Izhikevich(), "Izhikevich"),
    ],
    ids=lambda p: p if isinstance(p, str) else type(p).__name__,
)
def test_what_cannot_be_said_is_refused_by_name(process, named) -> None:
    net = Network.sequential(bp.Input((2, 4, 4)), bp.Conv2d(2, 3, 1), process)
    with pytest.raises(FormatError, match=named):
        quantized(net)
