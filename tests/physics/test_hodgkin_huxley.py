"""The axon of Hodgkin and Huxley against an integrator and what is known of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from integrator import end, exact, follow, order, times

from bidl_sim.engines.torch import intrinsics
from bidl_sim.errors import ParameterError
from bidl_sim.processes import HodgkinHuxley
from bidl_sim.processes.neurons.hodgkin_huxley import ramp

assert intrinsics  # imported so that a rate may be called on tensors

REST = [-65.0, 0.05293248525724958, 0.5961207535084603, 0.3176769140606974]


def equations(current: float):
    """Written with expm1, away from the form of the library."""

    def slope(v, m, h, n):
        a_m, b_m = 0.1 * (v + 40) / -np.expm1(-(v + 40) / 10), 4 * np.exp(-(v + 65) / 18)
        a_h, b_h = 0.07 * np.exp(-(v + 65) / 20), 1 / (1 + np.exp(-(v + 35) / 10))
        a_n, b_n = 0.01 * (v + 55) / -np.expm1(-(v + 55) / 10), np.exp(-(v + 65) / 80) / 8
        ionic = 120 * m**3 * h * (v - 50) + 36 * n**4 * (v + 77) + 0.3 * (v + 54.402)
        return (
            current / 100 - ionic,
            a_m * (1 - m) - b_m * m,
            a_h * (1 - h) - b_h * h,
            a_n * (1 - n) - b_n * n,
        )

    return slope


def test_rest_is_rest() -> None:
    found = follow(HodgkinHuxley(n=1), 50.0)
    np.testing.assert_allclose(found["v"], -65.0, atol=0.005)  # e_l is rounded to -54.402
    for name, wanted in zip(("m", "h", "n_k"), REST[1:], strict=True):
        np.testing.assert_allclose(found[name], wanted, atol=2e-4)


@pytest.mark.parametrize(
    ("method", "wanted", "steps"), [("exponential", 2, (0.02, 0.01)), ("rk4", 4, (0.02, 0.01))]
)
def test_the_order_of_convergence(method, wanted, steps) -> None:
    """Over a whole spike, after which v is still moving fast."""
    v, *_ = end(equations(1500.0), REST, 4.0)
    errors = []
    for dt in steps:
        found = follow(HodgkinHuxley(n=1, dt=dt, method=method), 4.0, a_in=1500.0)
        errors.append(abs(found["v"][-1, 0] - v))
    assert order(errors) == pytest.approx(wanted, abs=0.25)


def test_spike_times_are_those_of_the_peaks() -> None:
    """A peak is seen when v has begun to fall: within two steps.

    The exponential method, of second order, adds an error of its own to each interval.
    """
    slope = equations(1000.0)

    def falling(y):
        return -slope(*y)[0] if y[0] > 0 else -1.0

    wanted = exact(slope, REST, 100.0, falling)
    assert len(wanted) == 7
    for method, dt, bound in (("exponential", 0.025, 0.1), ("rk4", 0.05, 0.1)):
        cell = HodgkinHuxley(n=1, dt=dt, method=method)
        late = times(cell, follow(cell, 100.0, a_in=1000.0)["s_out"][:, 0]) - wanted
        assert np.all(np.abs(late) < bound)


def test_a_crossing_is_seen_before_the_peak() -> None:
    slope = equations(1000.0)
    wanted = exact(slope, REST, 60.0, lambda y: y[0])
    cell = HodgkinHuxley(n=1, dt=0.05, method="rk4", spike="crossing")
    late = times(cell, follow(cell, 60.0, a_in=1000.0)["s_out"][:, 0]) - wanted
    assert np.all(late > -1e-6)
    assert np.all(late < 0.05 + 1e-3)


def test_the_rate_begins_with_a_jump() -> None:
    """Type II: silent below 6.2 uA/cm2 but for first spikes, then 50 Hz and more; 68 at 10."""
    currents = np.array([200.0, 500.0, 650.0, 1000.0, 2000.0])
    spikes = follow(HodgkinHuxley(n=5, dt=0.05), 500.0, a_in=currents)["s_out"]
    late = spikes[4000:].sum(0) / 0.3  # Hz, after 200 ms
    assert late[:2].tolist() == [0, 0]
    for k in (2, 3, 4):
        wanted = exact(equations(currents[k]), REST, 500.0, lambda y: y[0])
        assert late[k] == pytest.approx((wanted > 200).sum() / 0.3, abs=1 / 0.3 + 1e-9)
    assert late[2] > 50
    assert late[3] == pytest.approx(68, abs=4)


def test_no_second_spike_within_the_refractory_time() -> None:
    for spike, t_ref, wanted in (("crossing", 0.0, 7), ("peak", 2.0, 7), ("peak", 20.0, 4)):
        found = follow(HodgkinHuxley(n=1, t_ref=t_ref, spike=spike), 100.0, a_in=1000.0)
        assert found["s_out"].sum() == wanted


def test_every_falling_step_would_be_a_peak_without_refractory_time() -> None:
    with pytest.raises(ParameterError, match="t_ref: must be at least dt"):
        HodgkinHuxley(n=1, t_ref=0.0)


@pytest.mark.parametrize("method", ["exponential", "rk4"])
def test_a_synaptic_current_is_an_alpha_function(method) -> None:
    """It peaks at the weight, tau after the spike."""
    dt, weights = 0.05, {"e": 40.0, "i": -30.0}
    cell = HodgkinHuxley(n=1, dt=dt, method=method)
    pulse = np.zeros((200, 1))
    pulse[0] = 1
    found = follow(cell, 10.0, e_in=40 * pulse, i_in=-30 * pulse)
    t = dt * np.arange(1, 201)
    for kind, tau in (("e", 0.2), ("i", 2.0)):
        wanted = weights[kind] * t / tau * np.exp(1 - t / tau)
        bound = 1e-12 if method == "exponential" else 2e-3  # rk4 with dt = tau / 4
        np.testing.assert_allclose(found[f"i_{kind}"][:, 0], wanted, atol=bound * 40)
    assert abs(found["i_i"]).argmax() == round(2.0 / dt) - 1


def test_a_rate_where_its_formula_divides_by_zero() -> None:
    """Within rounding of the true value on both sides, and smooth."""
    x = np.array([-1e-2, -1.001e-3, -1e-3, -1e-4, -1e-9, 1e-300, 1e-9, 1e-4, 1e-3, 1.001e-3, 1e-2])
    np.testing.assert_allclose(ramp(x), x / -np.expm1(-x), rtol=1e-12)
    assert ramp(np.array(0.0)) == 1.0
    at = torch.tensor([0.0, 1e-5, 2e-3], dtype=torch.float64, requires_grad=True)
    ramp(at).sum().backward()
    np.testing.assert_allclose(at.grad, 0.5 + at.detach() / 6, atol=1e-9)


@pytest.mark.parametrize("v", [-40.0, -55.0, -65.0, -35.0])
def test_a_neuron_may_stand_where_a_formula_divides_by_zero(v) -> None:
    found = [
        follow(HodgkinHuxley(n=1, initial={"v": v + shift}), 1.0)["v"][-1, 0]
        for shift in (-1e-7, 0.0, 1e-7)
    ]
    assert math.isfinite(found[1])
    np.testing.assert_allclose(found[1], (found[0] + found[2]) / 2, atol=1e-7)
