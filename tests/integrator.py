"""What neurons in physical units are held to: their equations in scipy's integrator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp

from bidl_sim import Neuron

TIGHT = {"rtol": 1e-10, "atol": 1e-10, "method": "LSODA"}


def follow(neuron: Neuron, duration: float, **inputs) -> dict[str, np.ndarray]:
    """Spikes and states ``(steps, neurons)`` of a neuron's step, called on numpy arrays.

    ``inputs`` are currents by port, one value, one for each neuron, or ``(steps, neurons)``.
    """
    steps = round(duration / neuron.dt)
    (n,) = neuron.declared_shape
    given = {p: np.broadcast_to(inputs.get(p, 0.0), (steps, n)) for p in neuron.in_specs}
    initial = neuron.initial or {}
    state = {k: np.full(n, initial.get(k, s.reset), float) for k, s in neuron.state_specs.items()}
    found = []
    for t in range(steps):
        arriving = {port: values[t] for port, values in given.items()}
        known = {"fire": lambda x: (x > 0) * 1.0, **neuron.parameters(), **arriving, **state}
        s, *new = neuron.step(**{name: known[name] for name in neuron.step_arguments})
        state = dict(zip(state, new, strict=True))
        found.append({"s_out": s, **state})
    return {name: np.array([step[name] for step in found]) for name in found[0]}


def times(neuron: Neuron, spikes: np.ndarray) -> np.ndarray:
    """When one neuron's spikes were counted: at the ends of their steps."""
    return (np.flatnonzero(spikes) + 1) * neuron.dt


def exact(
    slope: Callable[..., object],
    start: list[float],
    duration: float,
    over: Callable[[np.ndarray], float],
    reset: Callable[[np.ndarray], np.ndarray] | None = None,
    t_ref: float = 0.0,
) -> np.ndarray:
    """Spike times: where ``over`` comes above 0; integration goes on from ``reset``, if given."""

    def crossing(t: float, y: np.ndarray) -> float:
        return over(y)

    crossing.direction, crossing.terminal = 1, reset is not None
    found: list[float] = []
    now, y = 0.0, np.array(start, float)
    while now < duration:
        part = solve_ivp(lambda t, y: slope(*y), (now, duration), y, events=crossing, **TIGHT)
        found += list(part.t_events[0])
        if reset is None or not len(part.t_events[0]):
            break
        now, y = part.t[-1] + t_ref, reset(part.y_events[0][0])
    return np.array(found)


def end(slope: Callable[..., object], start: list[float], duration: float) -> np.ndarray:
    """All values after a time without spikes."""
    part = solve_ivp(lambda t, y: slope(*y), (0, duration), start, rtol=1e-12, atol=1e-12)
    return part.y[:, -1]


def order(errors: list[float], halvings: int = 1) -> float:
    """Of convergence, from two errors; the step of the second was halved so many times."""
    return float(np.log2(errors[0] / errors[1]) / halvings)
