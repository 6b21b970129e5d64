"""The five levels of generalised integrate-and-fire neurons."""

from __future__ import annotations

import numpy as np
import pytest
from integrator import end, exact, follow, order, times

from bidl_sim.processes import GLIF
from bidl_sim.processes.neurons.glif import LEVELS

C_M, G_L, E_L, V_TH = 58.72, 9.43, -78.85, -51.68


def equations(current: float):
    def slope(v, i_1, i_2, th_s, th_v):
        dv = (G_L * (E_L - v) + i_1 + i_2 + current) / C_M
        return dv, -0.003 * i_1, -0.1 * i_2, -0.009 * th_s, 0.005 * (v - E_L) - 0.09 * th_v

    return slope


def after(y: np.ndarray) -> np.ndarray:
    v, i_1, i_2, th_s, th_v = y
    fading = np.exp(-3.75 * np.array([0.003, 0.1, 0.009]))
    return np.array([
        E_L + 0.2 * (v - E_L) - 18.51,
        i_1 * fading[0] - 9.18,
        i_2 * fading[1] - 198.94,
        th_s * fading[2] + 0.37,
        th_v,
    ])  # fmt: skip


def test_the_first_level_fires_at_the_known_rate() -> None:
    """T = t_ref + tau ln(I / (I - g_l (v_th - e_l))), to the next step."""
    cell = GLIF(n=1, level="LIF")
    found = np.diff(times(cell, follow(cell, 200.0, a_in=400.0)["s_out"]))
    interval = 3.75 + C_M / G_L * np.log(400 / (400 - G_L * (V_TH - E_L)))
    assert np.all(found >= interval - 1e-9)
    assert np.all(found < interval + 0.05 + 1e-9)


def test_spike_times_of_the_last_level_are_those_of_the_equations() -> None:
    """Counted up to dt late, each; the lag of a reset is carried on."""
    start = [E_L, 0.0, 0.0, 0.0, 0.0]
    wanted = exact(
        equations(400.0), start, 300.0, lambda y: y[0] - V_TH - y[3] - y[4], after, t_ref=3.75
    )
    assert len(wanted) > 8
    errors = []
    for dt in (0.05, 0.025):
        cell = GLIF(n=1, dt=dt)
        late = times(cell, follow(cell, 300.0, a_in=400.0)["s_out"][:, 0])[: len(wanted)] - wanted
        assert np.all(late > -1e-3)
        assert np.all(late < dt * np.arange(1, 1 + len(late)))
        errors.append(late.mean())
    assert order(errors) == pytest.approx(1, abs=0.5)  # the lag within a step scatters


def test_between_spikes_it_is_of_second_order() -> None:
    start = {"v": -75.0, "i_1": -50.0, "i_2": -200.0, "th_s": 3.0, "th_v": 1.0}
    wanted = end(equations(200.0), list(start.values()), 20.0)
    errors = []
    for dt in (0.5, 0.25):
        found = follow(GLIF(n=1, dt=dt, initial=start), 20.0, a_in=200.0)
        values = np.array([found[name][-1, 0] for name in start])
        np.testing.assert_allclose(values[1:4], wanted[1:4], atol=1e-9)  # these exactly
        errors.append(np.abs(values - wanted).max())
    assert order(errors) == pytest.approx(2, abs=0.1)


def test_each_level_lacks_what_its_name_does_not_say() -> None:
    for level in LEVELS:
        found = follow(GLIF(n=1, level=level), 100.0, a_in=600.0)
        parts = level.split("-")
        assert found["s_out"].sum() > 3
        for name, part in (("i_1", "ASC"), ("i_2", "ASC"), ("th_s", "R"), ("th_v", "A")):
            assert np.any(found[name]) == (part in parts)


def test_levels_without_their_mechanism_are_the_level_below() -> None:
    none = {"i_1_add": 0.0, "i_2_add": 0.0, "th_add": 0.0, "a_v": 0.0, "f_v": 0.0, "v_add": 0.0}
    plain = follow(GLIF(n=1, level="LIF"), 100.0, a_in=500.0)
    for level in LEVELS[1:]:
        found = follow(GLIF(n=1, level=level, **none), 100.0, a_in=500.0)
        np.testing.assert_allclose(found["v"], plain["v"], atol=1e-12)
        np.testing.assert_array_equal(found["s_out"], plain["s_out"])


def test_nothing_moves_while_it_is_refractory() -> None:
    found = follow(GLIF(n=1), 60.0, a_in=400.0)
    first = int(np.flatnonzero(found["s_out"])[0])
    for name in ("v", "i_1", "i_2", "th_s", "th_v"):
        held = found[name][first : first + 76, 0]  # 3.75 ms
        assert np.ptp(held) == 0
        assert found[name][first + 77, 0] != held[0]
