"""Neurons in physical units against their differential equations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from bidl_sim import Network, Simulator
from bidl_sim.errors import ParameterError
from bidl_sim.processes import ConductanceLIF, CurrentLIF, DeltaLIF, Input


def traces(neuron, port: str, values, members=("v",), **options):
    """States of one neuron fed with a sequence of values."""
    source = Input(1)
    source.s_out.connect(getattr(neuron, port))
    net = Network.of(neuron)
    sim = Simulator(net, dtype="float64", **options)
    name = next(n for n, p in net.processes.items() if p is neuron)
    probes = [sim.probe(f"{name}.{m}") for m in (*members, "s_out")]
    sim.run(np.asarray(values, float)[:, None])
    return [probe.data[:, 0] for probe in probes]


def pulse(steps: int, weight: float):
    return np.r_[weight, np.zeros(steps - 1)]


def test_a_jump_decays_exactly() -> None:
    v, _ = traces(DeltaLIF(n=1, tau_m=20.0, dt=0.5), "a_in", pulse(60, 5.0))
    np.testing.assert_allclose(v, 5.0 * np.exp(-0.5 * np.arange(60) / 20), rtol=1e-12)


def test_a_neuron_fires_at_its_threshold_and_then_rests() -> None:
    cell = DeltaLIF(n=1, v_th=20.0, v_reset=10.0, t_ref=1.0, dt=0.5)
    v, s = traces(cell, "a_in", [20.0, 50.0, 50.0, 0.0, 50.0])
    assert s.tolist() == [1, 0, 0, 0, 1]  # what arrives in the next two steps is lost
    assert v[:3].tolist() == [10, 10, 10]


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_a_synaptic_current_is_integrated_exactly(dt) -> None:
    """g decays with tau_e, v follows with tau_m: a difference of two exponentials, for any dt."""
    cell = CurrentLIF(n=1, v_rest=-60.0, v_th=0.0, dt=dt)
    v, g, _ = traces(cell, "e_in", pulse(50, 3.0), ("v", "g_e"))
    t = dt * np.arange(1, 51)
    wanted = 3.0 * 5 / (5 - 20) * (np.exp(-t / 5) - np.exp(-t / 20))
    np.testing.assert_allclose(v + 60, wanted, atol=1e-12)
    np.testing.assert_allclose(g, 3.0 * np.exp(-t / 5), atol=1e-12)


def test_a_constant_current_fires_at_the_known_rate() -> None:
    """T = t_ref + tau ln((I - reset) / (I - threshold)), to the next step."""
    cell = CurrentLIF(n=1, v_rest=-60.0, v_th=-50.0, v_reset=-60.0, t_ref=5.0, dt=0.1)
    _, s = traces(cell, "a_in", np.full(20_000, 15.0))
    interval = 5.0 + 20 * np.log(15.0 / (15.0 - 10.0))
    found = np.diff(np.flatnonzero(s)) * 0.1
    np.testing.assert_allclose(found, interval, atol=0.11)


def test_methods_agree_for_small_steps() -> None:
    found = []
    for kind, first in ((CurrentLIF, "exact"), (ConductanceLIF, "exponential")):
        for method in (first, "euler"):
            cell = kind(n=1, v_rest=-60.0, v_th=0.0, dt=0.005, method=method)
            weight = 3.0 if kind is CurrentLIF else 0.5
            found.append(traces(cell, "e_in", pulse(4000, weight))[0])
    np.testing.assert_allclose(found[0], found[1], atol=2e-3)
    np.testing.assert_allclose(found[2], found[3], atol=2e-2)


def test_conductances_follow_their_equation() -> None:
    cell = ConductanceLIF(n=1, v_th=0.0, dt=0.01)
    v, _ = traces(cell, "e_in", pulse(3000, 0.8))

    def slope(t, y):
        return [(-60 - y[0] + y[1] * (0 - y[0])) / 20, -y[1] / 5]

    times = 0.01 * np.arange(1, 3001)
    exact = solve_ivp(slope, (0, 31), [-60, 0.8], t_eval=times, rtol=1e-9, atol=1e-9).y[0]
    np.testing.assert_allclose(v, exact, atol=0.02)  # first order in dt: g is held for a step


def test_equal_time_constants_are_refused_where_the_solution_divides_by_zero() -> None:
    with pytest.raises(ParameterError, match="tau_e: must differ from tau_m"):
        CurrentLIF(n=1, tau_m=5.0)
    CurrentLIF(n=1, tau_m=5.0, method="euler")
