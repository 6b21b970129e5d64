"""The pulse-coupled network: objects fire together, apart from what is behind them."""

from __future__ import annotations

import numpy as np
import pytest

from bidl_sim import Network, Simulator
from bidl_sim.errors import BidlError
from bidl_sim.netx.verify import verify_networks
from bidl_sim.processes import Input, PulseCoupled, pcnn


def scene() -> tuple[np.ndarray, np.ndarray]:
    """An uneven disc before something darker, and where the disc is."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:24, :24]
    disc = (y - 12) ** 2 + (x - 10) ** 2 < 36
    return np.where(
        disc, rng.uniform(0.6, 1.0, disc.shape), rng.uniform(0.1, 0.2, disc.shape)
    ), disc


def pulses(image: np.ndarray, steps: int = 110, **options) -> np.ndarray:
    net = Network.sequential(Input((1, *image.shape)), pcnn(image.shape, alpha_t=0.02, **options))
    given = np.broadcast_to(image, (steps, 1, *image.shape))
    return Simulator(net, dtype="float64").run(given, progress=False)[:, 0] > 0


def first(spikes: np.ndarray) -> np.ndarray:
    """When each pixel fires, after the first step, in which all do."""
    assert spikes[0].all()
    return spikes[1:].argmax(0) + 1


@pytest.mark.parametrize("link", [{"beta": 0.5}, {"beta": 2.0, "link": "add"}])
def test_linking_lets_an_object_fire_together(link) -> None:
    """A wave needs 5 steps to cross it; without linking it takes more than 20."""
    image, disc = scene()
    together, alone = first(pulses(image, **link)), first(pulses(image, beta=0.0))
    assert np.ptp(together[disc]) <= 6
    assert np.ptp(alone[disc]) >= 20
    assert together[disc].std() < 0.2 * alone[disc].std()


def test_an_object_is_what_fired_before_the_rest() -> None:
    image, disc = scene()
    spikes = pulses(image, beta=0.5)
    begin = first(spikes)[disc].min()
    np.testing.assert_array_equal(spikes[begin : begin + 7].any(0), disc)


def test_without_linking_brighter_pixels_fire_earlier() -> None:
    image, _ = scene()
    when = first(pulses(image, steps=160, beta=0.0))
    order = np.argsort(image.ravel())
    assert np.all(np.diff(when.ravel()[order]) <= 0)


def test_a_neuron_follows_its_equations() -> None:
    """In closed form: after n steps of input 1, f is (1 - exp(-0.1 n)) / (1 - exp(-0.1))."""
    net = Network()
    cell = net.add(PulseCoupled(n=1), "cell")
    net.connect(net.add(Input(1)), cell)
    net.connect(net.add(Input(1)), cell.in_ports["l_in"])
    sim = Simulator(net, dtype="float64")
    f, linking, theta, s = (sim.probe(f"cell.{name}") for name in ("f", "l", "theta", "s_out"))
    links = np.r_[2.0, np.zeros(29)][:, None]
    sim.run({"input1": np.ones((30, 1)), "input2": links})
    n = np.arange(1, 31)
    fed, linked = np.expm1(-0.1 * n) / np.expm1(-0.1), 2 * np.exp(-(n - 1.0))
    np.testing.assert_allclose(f.data[:, 0], fed, rtol=1e-12)
    np.testing.assert_allclose(linking.data[:, 0], linked, rtol=1e-12)
    above = fed[1:] * (1 + 0.2 * linked[1:]) > 20 * np.exp(-0.05 * (n[1:] - 2))
    again = int(above.argmax()) + 1
    assert np.flatnonzero(s.data[: again + 1]).tolist() == [0, again]
    assert again > 10
    falling = 20 * np.exp(-0.05 * np.arange(again))
    np.testing.assert_allclose(theta.data[:again, 0], falling, rtol=1e-12)


def test_every_runtime_gives_the_same_pulses(rng) -> None:
    net = Network.sequential(Input((1, 5, 6)), pcnn((5, 6), v_f=0.3, alpha_t=0.3))
    report = verify_networks("pcnn", net, {}, rng.random((2, 20, 1, 5, 6)))
    assert report.ok, f"\n{report}"


@pytest.mark.parametrize("shape", [(5,), (1, 4, 4), (0, 3)])
def test_an_image_has_height_and_width(shape) -> None:
    with pytest.raises(BidlError, match="pcnn, shape"):
        pcnn(shape)
