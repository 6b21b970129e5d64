"""A soma with dendrites against its linear equations, solved exactly."""

from __future__ import annotations

import numpy as np
import pytest
from integrator import exact, follow, order, times
from scipy.linalg import expm

from bidl_sim.processes import MultiCompartment

PULLS = {"g_1s": 0.7, "g_s1": 1.3, "g_21": 0.4, "g_12": 2.0}
MATRIX = np.array([[-1.7, 0.7, 0.0], [1.3, -1 - 1.3 - 0.4, 0.4], [0.0, 2.0, -3.0]]) / 10.0
CURRENTS = np.array([5.0, -3.0, 20.0])
PORTS = ("a_in", "d1_in", "d2_in")


def driven(cell: MultiCompartment, duration: float, scale: float = 1.0):
    return follow(cell, duration, **dict(zip(PORTS, scale * CURRENTS, strict=True)))


def potentials(duration: float) -> np.ndarray:
    """Above rest: (1 - exp(A t)) times the steady state."""
    steady = -np.linalg.solve(MATRIX, CURRENTS / 10)
    return steady - expm(MATRIX * duration) @ steady


@pytest.mark.parametrize(("method", "wanted"), [("euler", 1), ("rk4", 4)])
def test_the_order_of_convergence(method, wanted) -> None:
    errors = []
    for dt in (1.0, 0.5):
        found = driven(MultiCompartment(n=1, **PULLS, dt=dt, method=method), 12.0)
        values = [found[name][-1, 0] + 70 for name in ("v", "v_1", "v_2")]
        errors.append(np.abs(values - potentials(12.0)).max())
    assert order(errors) == pytest.approx(wanted, abs=0.25)


def test_a_current_into_the_far_dendrite_arrives_late_and_small() -> None:
    peaks, when = [], []
    for port in PORTS:
        pulse = np.zeros((600, 1))
        pulse[:10] = 30
        v = follow(MultiCompartment(n=1), 60.0, **{port: pulse})["v"][:, 0]
        peaks.append(v.max() + 70)
        when.append(v.argmax())
    assert peaks[0] > 2 * peaks[1] > 4 * peaks[2] > 0
    assert when[0] < when[1] < when[2]


def test_spike_times_are_those_of_the_equations() -> None:
    """Counted up to dt late, each; the soma alone is reset."""
    wanted = exact(
        lambda *y: MATRIX @ y + 10 * CURRENTS / 10,
        [0.0, 0.0, 0.0],
        60.0,
        lambda y: y[0] - 20,
        lambda y: np.array([0.0, y[1], y[2]]),
    )
    assert len(wanted) > 5
    errors = []
    for dt in (0.1, 0.05):
        cell = MultiCompartment(n=1, **PULLS, dt=dt)
        found = times(cell, driven(cell, 60.0, scale=10.0)["s_out"][:, 0])[: len(wanted)]
        late = found - wanted[: len(found)]
        assert np.all(late > -1e-6)
        assert np.all(late < dt * np.arange(1, 1 + len(late)))
        errors.append(late.mean())
    assert order(errors) == pytest.approx(1, abs=0.5)  # the lag within a step scatters


def test_which_compartments_are_reset() -> None:
    """A strong current into the dendrites brings them above the threshold, too."""
    soma, each = (
        follow(MultiCompartment(n=1, reset=reset), 50.0, a_in=30.0, d1_in=100.0, d2_in=100.0)
        for reset in ("soma", "each")
    )
    assert soma["v_1"].max() > -50
    assert each["v_1"].max() <= -50
    assert each["v_2"].max() <= -50
    assert soma["s_out"].sum() > each["s_out"].sum() > 0


def test_a_refractory_soma_is_held() -> None:
    cell = MultiCompartment(n=1, t_ref=3.0)
    found = follow(cell, 30.0, a_in=100.0)
    first = int(np.flatnonzero(found["s_out"])[0])
    assert np.all(found["v"][first : first + 31] == -70)
    assert found["v"][first + 31, 0] > -70
