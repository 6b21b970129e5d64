"""The LIF against what theory says of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bidl_sim import Network, Simulator
from bidl_sim.processes import LIAF, LIF, Input


def run(neuron: LIF, currents: np.ndarray, dtype: str = "float64"):
    """Spikes and potentials of ``(time, neurons)`` currents."""
    sim = Simulator(Network.sequential(Input(currents.shape[1:]), neuron), dtype=dtype)
    v = sim.probe("lif1.v" if type(neuron) is LIF else "liaf1.v")
    return sim.run(currents), v.data


def test_without_spikes_it_is_a_leaky_integrator() -> None:
    """v_t = alpha^t sum of past currents, exactly."""
    alpha = 0.9
    currents = np.zeros((30, 1))
    currents[0] = 0.4
    _, v = run(LIF(alpha=alpha, v_th=10.0), currents)
    np.testing.assert_allclose(v[:, 0], 0.4 * alpha ** np.arange(1, 31), rtol=1e-13)


def test_an_additive_leak_pulls_to_its_rest() -> None:
    """beta = (1 - alpha) v_rest."""
    _, v = run(LIF(alpha=0.95, beta=0.05 * -0.7, v_th=10.0), np.zeros((400, 1)))
    assert v[-1, 0] == pytest.approx(-0.7, abs=1e-8)


@pytest.mark.parametrize("current", [0.12, 0.2, 0.5, 1.1])
def test_the_rate_under_constant_current_is_the_analytic_one(current) -> None:
    """With hard reset to 0, u before the k-th test is i (1 - alpha^k) / (1 - alpha).

    The first k with u > v_th is the period: floor(log(1 - (1 - alpha) v_th / i) / log alpha) + 1.
    """
    alpha, v_th = 0.9, 1.0
    spikes, _ = run(LIF(alpha=alpha, v_th=v_th), np.full((2000, 1), current))
    period = math.floor(math.log(1 - (1 - alpha) * v_th / current) / math.log(alpha)) + 1
    assert spikes.sum() > 20  # the comparison would mean little otherwise
    assert np.diff(np.flatnonzero(spikes)).tolist() == [period] * (int(spikes.sum()) - 1)


def test_below_the_rheobase_it_never_fires() -> None:
    """The largest u is i / (1 - alpha)."""
    alpha, v_th = 0.9, 1.0
    spikes, _ = run(LIF(alpha=alpha, v_th=v_th), np.full((3000, 1), (1 - alpha) * v_th))
    assert spikes.sum() == 0


def test_without_leak_it_is_the_perfect_integrator() -> None:
    """IF is alpha = 1, beta = 0: constant current i fires every floor(v_th / i) + 1 steps."""
    spikes, v = run(LIF(alpha=1.0, v_th=1.0), np.full((100, 1), 0.3))
    assert np.flatnonzero(spikes).tolist() == list(range(3, 100, 4))
    np.testing.assert_allclose(v[:4, 0], [0.3, 0.6, 0.9, 0.0], atol=1e-15)


def test_the_soft_reset_is_that_of_rmp(rng) -> None:
    """r = s (u - v_th) + (1 - s) u, then the leak."""
    currents = rng.normal(0.3, 0.5, (60, 9))
    spikes, v = run(LIF(alpha=0.85, beta=0.02, v_th=0.6, reset="soft"), currents)
    before = np.vstack([np.zeros((1, 9)), v[:-1]])
    u = before + currents
    np.testing.assert_array_equal(spikes, u > 0.6)
    r = spikes * (u - 0.6) + (1 - spikes) * u
    np.testing.assert_allclose(v, 0.85 * r + 0.02, atol=1e-14)
    assert 50 < spikes.sum() < 500


def test_a_soft_reset_loses_no_charge() -> None:
    """Without leak: everything that came in is in the spikes or in the potential."""
    rng = np.random.default_rng(0)
    currents = rng.uniform(0, 0.9, (500, 7))
    spikes, v = run(LIF(alpha=1.0, v_th=0.8, reset="soft"), currents)
    np.testing.assert_allclose(spikes.sum(0) * 0.8 + v[-1], currents.sum(0), rtol=1e-12)
    assert spikes.mean() > 0.3


def test_a_hard_reset_forgets_what_was_above() -> None:
    spikes, v = run(LIF(alpha=0.5, v_th=1.0, v_reset=0.25), np.array([[5.0], [0.0]]))
    assert spikes[:, 0].tolist() == [1, 0]
    assert v[:, 0].tolist() == [0.125, 0.0625]


def test_the_threshold_itself_does_not_fire() -> None:
    """The comparison is strict, as in the chip's operator."""
    spikes, _ = run(LIF(v_th=0.5, alpha=0.0), np.array([[0.5], [np.nextafter(0.5, 1)]]))
    assert spikes[:, 0].tolist() == [0, 1]


def test_the_leak_comes_after_the_first_step() -> None:
    """An undecayed potential meets the first threshold test."""
    spikes, _ = run(LIF(v_th=0.5, alpha=0.0), np.array([[0.6]]))
    assert spikes.item() == 1


def test_the_taps_of_the_analog_output() -> None:
    """pre u, centered u - v_th, reset r, leaked alpha r + beta, in the order of the equations."""
    currents = np.array([[0.3], [0.4], [0.2]])
    u = [0.3, 0.55, 0.2]  # after the spike at 0.55 the potential is 0
    r = [0.3, 0.0, 0.2]
    v = [0.15, 0.0, 0.1]
    expected = {"pre": u, "centered": [x - 0.5 for x in u], "reset": r, "leaked": v}
    for output, values in expected.items():
        found, state = run(
            LIAF(alpha=0.5, v_th=0.5, output=output, activation="identity"), currents
        )
        np.testing.assert_allclose(found[:, 0], values, atol=1e-15)
        np.testing.assert_allclose(state[:, 0], v, atol=1e-15)


def test_the_default_analog_output_is_the_rectified_potential() -> None:
    found, _ = run(LIAF(), np.array([[-0.3], [0.4]]))
    np.testing.assert_allclose(found[:, 0], [0.0, 0.4 - 0.09])


def test_euler_of_the_membrane_equation_converges_to_first_order() -> None:
    """alpha = 1 - dt/tau, current i dt/tau: halving dt halves the error of the potential."""
    tau, current, duration = 20.0, 0.8, 40.0
    exact = current * (1 - math.exp(-duration / tau))
    errors = []
    for dt in (2.0, 1.0, 0.5, 0.25):
        steps = round(duration / dt)
        # the leak follows the integration, so the potential is compared before the last leak
        _, v = run(LIF(alpha=1 - dt / tau, v_th=10.0), np.full((steps, 1), current * dt / tau))
        before_leak = v[-1, 0] / (1 - dt / tau)
        errors.append(abs(before_leak - exact))
    order = np.diff(np.log(errors)) / math.log(0.5)
    np.testing.assert_allclose(order, 1.0, atol=0.1)


def test_parameters_per_channel_act_per_channel() -> None:
    currents = np.full((6, 2, 3, 3), 0.3)
    both, _ = run(LIF(alpha=[0.2, 0.9], v_th=[0.5, 0.7]), currents)
    for channel, (alpha, v_th) in enumerate(((0.2, 0.5), (0.9, 0.7))):
        one, _ = run(LIF(alpha=alpha, v_th=v_th), currents[:, channel])
        np.testing.assert_array_equal(both[:, channel], one)


def test_membrane_normalisation_scales_the_carried_potential_too() -> None:
    """u = s (v + i) + c, with s = weight / sqrt(var + eps): no synapse can do this."""
    neuron = LIF(
        alpha=0.5, v_th=100.0, norm="membrane", eps=1e-12,
        norm_weight=[2.0], norm_bias=[0.1], norm_mean=[0.3], norm_var=[4.0],
    )  # fmt: skip
    _, v = run(neuron, np.full((3, 1), 0.5))
    expected, potential = [], 0.0
    for _ in range(3):
        potential = 0.5 * (2.0 * (potential + 0.5 - 0.3) / 2.0 + 0.1)
        expected.append(potential)
    np.testing.assert_allclose(v[:, 0], expected, rtol=1e-9)
