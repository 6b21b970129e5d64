"""One step of an ordinary differential equation, as neurons in physical units do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from bidl_sim.typing import Value

Slope: TypeAlias = Callable[..., tuple[Value, ...]]
"""The derivatives of some values, given the values."""


def euler(slope: Slope, y: tuple[Value, ...], dt: float) -> tuple[Value, ...]:
    """Forward Euler: all values along the slope at the beginning. First order in dt."""
    return _along(y, slope(*y), dt)


def rk4(slope: Slope, y: tuple[Value, ...], dt: float) -> tuple[Value, ...]:
    """The classical Runge-Kutta method, four slopes a step. Fourth order in dt."""
    k1 = slope(*y)
    k2 = slope(*_along(y, k1, dt / 2))
    k3 = slope(*_along(y, k2, dt / 2))
    k4 = slope(*_along(y, k3, dt))
    total = tuple(a + 2 * (b + c) + d for a, b, c, d in zip(k1, k2, k3, k4, strict=True))
    return _along(y, total, dt / 6)


def _along(y: tuple[Value, ...], slope: tuple[Value, ...], dt: float) -> tuple[Value, ...]:
    return tuple(x + dt * k for x, k in zip(y, slope, strict=True))


SOLVERS = {"rk4": rk4, "euler": euler}
"""Methods by name."""
