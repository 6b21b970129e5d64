"""The adaptive exponential neuron against an integrator and its published patterns."""

from __future__ import annotations

import numpy as np
import pytest
from integrator import end, exact, follow, order, times

from bidl_sim.errors import ParameterError
from bidl_sim.processes import AdEx

PATTERNS = {  # Naud et al. 2008, table 1: c_m g_l e_l a tau_w b v_reset, current
    "tonic": (200, 10, -70, 2, 30, 0, -58, 500),
    "adapting": (200, 12, -70, 2, 300, 60, -58, 500),
    "initial burst": (130, 18, -58, 4, 150, 120, -50, 400),
    "bursting": (200, 10, -58, 2, 120, 100, -46, 210),
    "delayed accelerating": (200, 12, -70, -10, 300, 0, -58, 300),
    "transient": (100, 10, -65, 10, 90, 100, -47, 180),
}
NAMES = ("c_m", "g_l", "e_l", "a", "tau_w", "b", "v_reset")


def cell(pattern: str, n: int = 1, **options) -> AdEx:
    values = dict(zip(NAMES, PATTERNS[pattern], strict=False))
    return AdEx(n=n, v_th=-50.0, v_peak=0.0, initial={"v": values["e_l"]}, **{**values, **options})


def equations(pattern: str, current: float | None = None):
    c_m, g_l, e_l, a, tau_w, _, _, published = PATTERNS[pattern]
    current = published if current is None else current

    def slope(v, w):
        upstroke = 2 * np.exp((v + 50) / 2)
        return (g_l * (e_l - v + upstroke) - w + current) / c_m, (a * (v - e_l) - w) / tau_w

    return slope


def exact_times(pattern: str, duration: float, current: float | None = None) -> np.ndarray:
    start, b, v_reset = [PATTERNS[pattern][2], 0.0], *PATTERNS[pattern][5:7]
    return exact(
        equations(pattern, current),
        start,
        duration,
        lambda y: y[0],
        lambda y: np.array([v_reset, y[1] + b]),
    )


@pytest.mark.parametrize(("method", "wanted"), [("euler", 1), ("rk4", 4)])
def test_the_order_of_convergence(method, wanted) -> None:
    """Below the first spike."""
    v, w = end(equations("tonic", 200.0), [-70.0, 0.0], 40.0)
    errors = []
    for dt in (1.0, 0.5):
        found = follow(cell("tonic", dt=dt, method=method), 40.0, a_in=200.0)
        errors.append(np.hypot(found["v"][-1, 0] - v, found["w"][-1, 0] - w))
    assert order(errors) == pytest.approx(wanted, abs=0.25)


@pytest.mark.parametrize("pattern", ["tonic", "adapting", "initial burst"])
def test_spike_times_are_those_of_the_equations(pattern) -> None:
    """Counted up to dt late, each; a lag of the reset is carried on."""
    wanted = exact_times(pattern, 120.0)
    assert len(wanted) > 3
    errors = []
    for dt in (0.1, 0.05):
        neuron = cell(pattern, dt=dt)
        spikes = follow(neuron, 120.0, a_in=PATTERNS[pattern][-1])["s_out"]
        late = times(neuron, spikes[:, 0])[: len(wanted)] - wanted[: int(spikes.sum())]
        assert np.all(late > -dt)
        assert np.all(late < dt * np.arange(2, 2 + len(late)))
        errors.append(np.abs(late).mean())
    assert order(errors) == pytest.approx(1, abs=0.6)  # the lag within a step scatters


def intervals(pattern: str, duration: float = 400.0) -> np.ndarray:
    neuron = cell(pattern)
    return np.diff(times(neuron, follow(neuron, duration, a_in=PATTERNS[pattern][-1])["s_out"]))


def test_the_published_patterns() -> None:
    found = {p: intervals(p) for p in PATTERNS}
    assert np.ptp(found["tonic"][2:]) < 0.5
    assert found["adapting"][-1] > 5 * found["adapting"][0]
    assert np.all(np.diff(found["adapting"][:5]) > 0)
    first, *rest = found["initial burst"][1:]
    assert found["initial burst"][0] < 5 < first
    assert np.ptp(rest[1:]) < 1
    short, long = found["bursting"][1::2], found["bursting"][2::2]
    assert np.all(short < 10)
    assert np.all(long > 100)
    assert np.all(np.diff(found["delayed accelerating"][:10]) < 0)
    assert not len(found["transient"])


def test_the_current_at_which_it_begins_to_fire() -> None:
    """Without a rest from (g_l + a) (v_th - e_l - delta + delta ln(1 + a / g_l)) on.

    Holds where a / g_l < tau_m / tau_w, Naud et al. 2008: here 220.4 pA.
    """
    rheobase = (10 + 2) * (-50 + 70 - 2 + 2 * np.log(1 + 2 / 10))
    spikes = follow(cell("tonic", n=2), 500.0, a_in=rheobase * np.array([0.99, 1.03]))["s_out"]
    assert spikes[:, 0].sum() == 0
    assert spikes[:, 1].sum() > 2


def test_the_rate_follows_the_equations() -> None:
    currents = np.array([300.0, 600.0, 1000.0])
    spikes = follow(cell("tonic", n=3, dt=0.05), 200.0, a_in=currents)["s_out"]
    for k, current in enumerate(currents):
        wanted = len(exact_times("tonic", 200.0, current))
        # intervals of 5 ms and more are lengthened by dt at most
        assert spikes[:, k].sum() == pytest.approx(wanted, rel=0.01, abs=1)


def test_a_steep_upstroke_stays_finite_in_single_precision() -> None:
    """exp(700) would not."""
    neuron = AdEx(n=1, delta=0.1, dt=0.1)
    state = [np.float32(x) for x in (20.0, 0.0, 0.0)]
    parameters = {name: np.float32(value) for name, value in neuron.parameters().items()}
    s, *new = neuron.step(
        np.float32(1e4),
        *state,
        **parameters,
        fire=lambda x: np.float32(x > 0),
    )
    assert s == 1
    assert new[0] == pytest.approx(-70.6, abs=1e-5)
    assert abs(new[1]) < 100


def test_a_reset_above_the_peak_is_refused() -> None:
    with pytest.raises(ParameterError, match="v_reset: must be below v_peak"):
        AdEx(n=1, v_reset=35.0, v_peak=5.0)
