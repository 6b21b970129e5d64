"""Izhikevich's equations against an integrator, and against what is published of them."""

from __future__ import annotations

import numpy as np
import pytest
from integrator import end, exact, follow, order, times

from bidl_sim.processes import Izhikevich

START = [-65.0, -13.0]


def equations(current: float, a: float = 0.02, b: float = 0.2):
    return lambda v, u: (0.04 * v**2 + 5 * v + 140 - u + current, a * (b * v - u))


@pytest.mark.parametrize(("method", "wanted"), [("euler", 1), ("halves", 1), ("rk4", 4)])
def test_the_order_of_convergence(method, wanted) -> None:
    """Before the first spike, which comes after 3.5 ms; 1 and 4 are reached in the limit."""
    v, u = end(equations(10.0), START, 2.0)
    errors = []
    for dt in (0.05, 0.025):
        found = follow(Izhikevich(n=1, dt=dt, method=method), 2.0, a_in=10.0)
        errors.append(np.hypot(found["v"][-1, 0] - v, found["u"][-1, 0] - u))
    assert order(errors) == pytest.approx(wanted, abs=0.25)


def test_spike_times_are_those_of_the_equations() -> None:
    """A spike is counted, and the reset done, up to dt late.

    The lag is carried on, and by what u rose in it the next interval is longer.
    """
    wanted = exact(
        equations(10.0), START, 200.0, lambda y: y[0] - 30, lambda y: np.array([-65.0, y[1] + 8])
    )
    assert len(wanted) == 5
    errors = []
    for dt in (0.2, 0.025):
        cell = Izhikevich(n=1, dt=dt, method="rk4")
        found = times(cell, follow(cell, 200.0, a_in=10.0)["s_out"][:, 0])
        late = found - wanted
        assert np.all(late > -1e-9)
        assert np.all(late < 2 * dt * np.arange(1, 6))
        errors.append(late.mean())
    # over three halvings, as the lag within a step scatters
    assert order(errors, halvings=3) == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("method", ["euler", "halves", "rk4"])
def test_regular_spiking_fires_as_published(method) -> None:
    """12 spikes in 500 ms at a current of 10."""
    found = follow(Izhikevich(n=1, method=method), 500.0, a_in=10.0)
    assert found["s_out"].sum() == 12


def test_the_rate_rises_with_the_current_as_the_equations_say() -> None:
    currents = np.array([3.0, 5.0, 10.0, 20.0])
    cell = Izhikevich(n=4, a=0.1, d=2.0, dt=0.05, method="rk4")  # fast spiking
    spikes = follow(cell, 400.0, a_in=currents)["s_out"]
    for k, current in enumerate(currents):
        wanted = exact(
            equations(current, a=0.1),
            START,
            400.0,
            lambda y: y[0] - 30,
            lambda y: np.array([-65.0, y[1] + 2]),
        )
        # an interval of a few ms is lengthened by dt at most
        assert spikes[:, k].sum() == pytest.approx(len(wanted), rel=0.01, abs=1)
    assert spikes[:, 0].sum() == 0
    assert np.all(np.diff(spikes.sum(0)) > 0)


def test_kinds_of_cells_fire_in_their_patterns() -> None:
    """Regular, bursting at first, chattering: short and long intervals."""
    cells = {"c": [-65.0, -55.0, -50.0], "d": [8.0, 4.0, 2.0]}
    cell = Izhikevich(n=3, **cells, method="rk4")
    spikes = follow(cell, 300.0, a_in=10.0)["s_out"]
    regular, bursting, chattering = (np.diff(times(cell, s)) for s in spikes.T)
    assert regular.min() > 15
    assert bursting[0] < 8
    assert bursting[3:].min() > 15
    assert (chattering < 8).sum() > 5
    assert (chattering > 20).sum() > 3
