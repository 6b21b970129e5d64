"""Damped oscillations: a state that turns as it decays."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from typing_extensions import Self

from bidl_sim.core.param import Domain, Param, as_float_array, side_by_side
from bidl_sim.core.port import In, Signal
from bidl_sim.core.process import State
from bidl_sim.errors import ParameterError
from bidl_sim.processes.neurons.decaying import Decaying
from bidl_sim.typing import Array, Value

SIGNED = Domain(-1.0, 1.0)


class Resonating(Decaying, abstract=True):
    """Base: populations whose state (real, imag) turns by an angle and decays in every step.

    ::

        real = cos_decay real - sin_decay imag + a_real_in
        imag = sin_decay real + cos_decay imag + a_imag_in

    ``of_period`` makes one from a period and a decay.

    Parameters
    ----------
    sin_decay, cos_decay : in [-1, 1], default those of period 10, decay 0.1
        ``(1 - decay) sin(2 pi / period)`` and the same with cos. Together they may not grow:
        sin_decay^2 + cos_decay^2 <= 1.

    Ports
    -----
    a_real_in, a_imag_in : synaptic inputs of this step

    State
    -----
    real, imag
    """

    _: KW_ONLY
    sin_decay: Param = Param(0.9 * math.sin(0.2 * math.pi), within=SIGNED)
    cos_decay: Param = Param(0.9 * math.cos(0.2 * math.pi), within=SIGNED)

    a_real_in = In()
    a_imag_in = In()

    real = State(0.0)
    imag = State(0.0)

    @classmethod
    def of_period(
        cls, period: ArrayLike = 10.0, decay: ArrayLike = 0.1, *shape: Any, **options: Any
    ) -> Self:
        """A population of this period in steps (>= 2) and decay in [0, 1), one or by channel."""
        sin, cos = rotation(period, decay, cls.__name__)
        return cls(*shape, sin_decay=sin, cos_decay=cos, **options)

    def check_parameters(self, signal: Signal | None) -> None:
        super().check_parameters(signal)
        shape = signal.shape if signal else self.declared_shape
        sin, cos = side_by_side(self.sin_decay, self.cos_decay, shape)
        radius = np.sqrt(sin**2 + cos**2).max(initial=0.0)
        if radius > 1 + 1e-6:
            raise ParameterError(
                f"{self.where}, sin_decay and cos_decay",
                f"must not let the state grow: sin^2 + cos^2 <= 1, got a radius of {radius:g}",
            )

    def turned(
        self,
        real: Value,
        imag: Value,
        sin_decay: Value,
        cos_decay: Value,
        reached_real: Value = None,
        reached_imag: Value = None,
    ) -> tuple[Value, Value]:
        """The state, turned and decayed; see `Decaying.kept` for what was reached."""
        sin, cos = self.on_grid(sin_decay), self.on_grid(cos_decay)
        x = self.scaled(real, cos, reached_real) - self.scaled(imag, sin, reached_imag)
        y = self.scaled(real, sin, reached_real) + self.scaled(imag, cos, reached_imag)
        return x, y


class Resonator(Resonating):
    """Damped oscillators that never fire: ``s_out = imag``.

    Parameters
    ----------
    shape, n
        See `Population`.
    arithmetic, scale, wrap, state_grad, decay_grad, reset_interval, reset_offset
        See `FixedPoint` and `Decaying`.
    sin_decay, cos_decay
        See `Resonating`, with the equation, the ports and the state.
    """

    def step(
        self,
        t: Value,
        a_real_in: Value,
        a_imag_in: Value,
        real: Value,
        imag: Value,
        sin_decay: Value,
        cos_decay: Value,
    ) -> tuple[Value, Value, Value]:
        real, imag = self.carried(real, t), self.carried(imag, t)
        real, imag = self.turned(real, imag, sin_decay, cos_decay)
        real = self.bounded(real + self.arriving(a_real_in))
        imag = self.bounded(imag + self.arriving(a_imag_in))
        return imag, real, imag


def rotation(period: ArrayLike, decay: ArrayLike, where: str = "rotation") -> tuple[Array, Array]:
    """``(1 - decay) sin(2 pi / period)`` and the same with cos."""
    steps = as_float_array(f"{where}, period", period)
    lost = as_float_array(f"{where}, decay", decay)
    Domain(2.0).check(f"{where}, period", steps)
    Domain(0.0, 1.0).check(f"{where}, decay", lost)
    angle = 2 * np.pi / steps
    return (1 - lost) * np.sin(angle), (1 - lost) * np.cos(angle)


def spread_rotation(
    channels: int,
    period: tuple[float, float],
    decay: tuple[float, float],
    rng: np.random.Generator,
    log: bool = True,
) -> tuple[Array, Array]:
    """``sin_decay`` and ``cos_decay`` of channels with frequencies and decays from these ranges.

    Frequencies lie between one over the longest period and one over the shortest, on a logarithmic
    scale, or are drawn evenly; decays are drawn evenly.
    """
    low, high = 1 / max(period), 1 / min(period)
    frequency = np.geomspace(low, high, channels) if log else rng.uniform(low, high, channels)
    return rotation(1 / frequency, rng.uniform(min(decay), max(decay), channels), "spread_rotation")
