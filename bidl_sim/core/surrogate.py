"""Surrogate gradients: what stands for the derivative of a spike.

A spike is a step function, H(x) with x = u - v_th, whose derivative is zero almost everywhere.
Training replaces it, in the backward pass only, by a bump around the threshold. Every entry of
`SURROGATES` is one family with a single ``width`` w: the bump has area 1 and height 1/w (the same
scale for all, so that changing the shape does not change the learning rate)::

    name          derivative                             elsewhere known as
    rectangle     1/w where |x| < w/2                    STBP; BIDL's default (w = 1)
    triangle      max(0, 1 - |x|/w) / w                  Esser et al. 2016; piecewise linear
    atan          1/w / (1 + (pi x/w)^2)                 SpikingJelly ATan, alpha = 2/w
    sigmoid       k s(kx) (1 - s(kx)), k = 4/w           SpikingJelly Sigmoid, alpha = 4/w
    fast_sigmoid  1/w / (1 + 2|x|/w)^2                   SuperSpike, Zenke & Ganguli 2018
    gaussian      1/w exp(-pi x^2/w^2)                   Yin et al. 2021
    exponential   1/w exp(-2|x|/w)                       SLAYER, Shrestha & Orchard 2018

``primitive`` is the integral, a smooth step from 0 to 1: used in place of the spike it makes a
network differentiable, which lets a gradient be checked against finite differences.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bidl_sim.core.intrinsics import arctan, clip, erf, exp, maximum, minimum, where
from bidl_sim.typing import Value


@dataclass(frozen=True)
class Surrogate:
    """A family of bumps: ``derivative(x, w)`` and its integral ``primitive(x, w)``."""

    name: str
    derivative: Callable[[Value, float], Value]
    primitive: Callable[[Value, float], Value]


def _abs(x: Value) -> Value:
    return maximum(x, -x)


def _sigmoid(x: Value) -> Value:
    return 1 / (1 + exp(-clip(x, -80.0, 80.0)))


def _sigmoid_bump(x: Value, w: float) -> Value:
    s = _sigmoid(x * (4 / w))
    return (4 / w) * s * (1 - s)


def _triangle_step(x: Value, w: float) -> Value:
    y = clip(x * (1 / w), -1.0, 1.0)
    return 0.5 + y - 0.5 * y * _abs(y)


def _fast_sigmoid_step(x: Value, w: float) -> Value:
    y = x * (2 / w)
    return 0.5 + 0.5 * y / (1 + _abs(y))


def _exponential_step(x: Value, w: float) -> Value:
    tail = 0.5 * exp(_abs(x) * (-2 / w))
    return where(x > 0, 1 - tail, tail)


SURROGATES: dict[str, Surrogate] = {
    s.name: s
    for s in (
        Surrogate(
            "rectangle",
            lambda x, w: where(_abs(x) < w / 2, 1 / w, 0.0),
            lambda x, w: clip(x * (1 / w) + 0.5, 0.0, 1.0),
        ),
        Surrogate(
            "triangle",
            lambda x, w: maximum(1 - _abs(x) * (1 / w), 0.0) * (1 / w),
            _triangle_step,
        ),
        Surrogate(
            "atan",
            lambda x, w: (1 / w) / (1 + (x * (math.pi / w)) * (x * (math.pi / w))),
            lambda x, w: arctan(x * (math.pi / w)) * (1 / math.pi) + 0.5,
        ),
        Surrogate("sigmoid", _sigmoid_bump, lambda x, w: _sigmoid(x * (4 / w))),
        Surrogate(
            "fast_sigmoid",
            lambda x, w: (1 / w) / ((1 + _abs(x) * (2 / w)) * (1 + _abs(x) * (2 / w))),
            _fast_sigmoid_step,
        ),
        Surrogate(
            "gaussian",
            lambda x, w: (1 / w) * exp(x * x * (-math.pi / (w * w))),
            lambda x, w: 0.5 + 0.5 * erf(x * (math.sqrt(math.pi) / w)),
        ),
        Surrogate(
            "exponential",
            lambda x, w: (1 / w) * exp(minimum(x, -x) * (2 / w)),
            _exponential_step,
        ),
    )
}
