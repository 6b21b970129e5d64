"""The continuous attractor network: its bump, alone and following an input."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bidl_sim import Network, Simulator, netx
from bidl_sim.errors import BidlError
from bidl_sim.netx.verify import verify_networks
from bidl_sim.processes import Input, cann
from bidl_sim.processes.networks.cann import centre

WIDTH = 2.0


def ring(sizes: tuple[int, ...], **options) -> Network:
    return Network.sequential(Input(sizes), cann(sizes, width=WIDTH, name="cann", **options))


def bump(at, sizes: tuple[int, ...]) -> np.ndarray:
    """exp(-d^2 / (4 width^2)) around a place."""
    squares = np.zeros(sizes)
    for axis, (z, n) in enumerate(zip(np.atleast_1d(at), sizes, strict=True)):
        d = (np.arange(n) - z + n / 2) % n - n / 2
        squares += (d**2).reshape([-1 if k == axis else 1 for k in range(len(sizes))])
    return np.exp(-squares / (4 * WIDTH**2))


def away(found, wanted, sizes) -> np.ndarray:
    """How far, around the ring."""
    n = np.array(sizes)
    return np.abs((found - wanted + n / 2) % n - n / 2)


@pytest.mark.parametrize(("sizes", "k"), [((48,), 0.5), ((48,), 0.9), ((28, 30), 0.5)])
def test_a_bump_without_input_has_the_known_height_and_shape(sizes, k) -> None:
    """v0 = 2 2^(D/2) (1 + sqrt(1 - k / k_c)) k_c / (k strength), and width sqrt(2) that of j."""
    at = [11.3, 14.6][: len(sizes)]
    given = np.zeros((500, *sizes))
    given[:60] = 20 * bump(at, sizes)
    sim = Simulator(ring(sizes, inhibition=k), dtype="float64", engine="event")
    v = sim.probe("cann.potential.v", every=499)
    rates = sim.run(given, progress=False)
    height = 2 * 2 ** (len(sizes) / 2) * (1 + math.sqrt(1 - k)) / k
    # sums over places that are half a width apart are as good as integrals
    np.testing.assert_allclose(v.data[-1].reshape(sizes), height * bump(at, sizes), atol=1e-3)
    assert away(centre(rates[-1], sizes), at, sizes).max() < 1e-3


def test_above_the_critical_inhibition_no_bump_stands() -> None:
    given = np.zeros((600, 48))
    given[:60] = 20 * bump(20.0, (48,))
    rates = Simulator(ring((48,), inhibition=1.1), dtype="float64").run(given, progress=False)
    assert rates[-1].max() < 1e-6 * rates[59].max()


@pytest.mark.parametrize(
    ("sizes", "start", "speed"),
    [((48,), [40.0], [0.04]), ((20, 24), [5.0, 12.0], [0.02, -0.03])],
)
def test_a_bump_follows_its_input_within_a_neuron(sizes, start, speed) -> None:
    """Once around the end of the ring, too."""
    places = np.array(start) + np.outer(np.arange(300), speed)
    given = 4 * np.stack([bump(z, sizes) for z in places])
    rates = Simulator(ring(sizes), dtype="float64", engine="event").run(given, progress=False)
    assert away(centre(rates, sizes), places, sizes)[40:].max() < 1


def test_a_weak_input_elsewhere_moves_the_bump_there() -> None:
    """Rates decide, not the input: in between the bump is between."""
    given = np.zeros((500, 48))
    given[:60] = 20 * bump(20.0, (48,))
    given[100:] = bump(24.0, (48,))
    rates = Simulator(ring((48,)), dtype="float64").run(given, progress=False)
    found = centre(rates, 48)[:, 0]
    assert found[99] == pytest.approx(20, abs=1e-3)
    assert np.all(np.diff(found[102:]) > -1e-9)
    assert found[-1] == pytest.approx(24, abs=0.1)


def test_with_a_step_of_tau_the_potential_is_the_input() -> None:
    """The discrete form v = sum of j r + a_in."""
    given = np.random.default_rng(0).random((2, 30))
    sim = Simulator(ring((30,), tau=1.0, dt=1.0, radius=3), dtype="float64")
    v, recurrent = sim.probe("cann.potential.v"), sim.probe("cann.synapses.a_out")
    sim.run(given)
    np.testing.assert_allclose(v.data[1], given[1] + recurrent.data[0], rtol=1e-14)


def test_synapses_reach_around_the_ring_and_no_further_than_told() -> None:
    for sizes, radius in (((9,), 2), ((8,), None), ((7, 6), 1), ((4, 5), 9)):
        net = ring(sizes, radius=radius, strength=3.0)
        matrix = np.zeros((math.prod(sizes),) * 2)
        synapses = net.processes["cann"].processes["synapses"]
        np.add.at(matrix, synapses.ends()[::-1], synapses.weight)
        places = np.indices(sizes).reshape(len(sizes), -1).T
        for i, here in enumerate(places):
            far = away(places, here, sizes)
            wanted = np.exp(-(far**2).sum(1) / (2 * WIDTH**2))
            wanted[(far > (radius or 99)).any(1)] = 0
            wanted *= 3 / (2 * np.pi * WIDTH**2) ** (len(sizes) / 2)
            np.testing.assert_allclose(matrix[:, i], wanted, atol=1e-15)


def test_every_runtime_gives_the_same_rates(rng, tmp_path) -> None:
    net = ring((6, 5), radius=2)
    netx.save(net, tmp_path / "cann.net")
    loaded = netx.load(tmp_path / "cann.net")
    report = verify_networks("cann", net, {"reloaded": loaded}, rng.random((2, 15, 6, 5)))
    assert report.ok, f"\n{report}"


@pytest.mark.parametrize(
    "wrong", [{"width": 0.0}, {"inhibition": math.nan}, {"radius": -1}, {"shape": (2, 3, 4)}]
)
def test_nonsense_is_refused(wrong) -> None:
    with pytest.raises(BidlError, match=f"cann, {next(iter(wrong))}"):
        cann(**{"shape": 10, **wrong})
