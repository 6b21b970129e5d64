"""Numbers that take few bits: whole multiples of a step, within a range, or short floats."""

from __future__ import annotations

from typing import NamedTuple

from bidl_sim.core import rounding
from bidl_sim.core.fields import MOST, Field, as_int
from bidl_sim.core.intrinsics import clip, nearest, straight_through
from bidl_sim.errors import ParameterError
from bidl_sim.typing import Value

LEVELS = {"int8": 127, "int4": 7}
"""Formats of whole numbers, from -n to n, and that n."""
FORMATS = (*LEVELS, "float16")
"""Formats of weights."""


def in_format(x: Value, name: str, axes: tuple[int, ...]) -> Value:
    """The nearest numbers of a format; their gradient is that of the values.

    ``int8`` and ``int4`` are whole numbers times a scale for each slice along ``axes``, which is
    the largest magnitude there over 127 or 7. Zero stays zero, nothing is clipped, and what is of
    the format already stays as it is, to the bit.
    """
    if name == "float16":
        return straight_through(rounding.half(x), x)
    scale = rounding.scale_of(x, axes, LEVELS[name])
    return straight_through(nearest(x / scale) * scale + 0.0, x)  # + 0.0 for -0.0


class Grid(NamedTuple):
    """The numbers ``2 k / scale``, k a signed whole number of so many ``bits``.

    Called with values it gives the nearest ones, of two equally near that of the even k. Their
    gradient is that of the values within the range, and zero outside it::

        clip(straight_through(nearest(x / step) step, x), low, high),  step = 2 / scale

    The default is what lava-dl's SLAYER trains weights on: steps of 1/32 from -4 to 127/32.
    """

    scale: int = 64
    bits: int = 8

    def __call__(self, x: Value) -> Value:
        step, half = 2 / self.scale, 2 ** (self.bits - 1)
        rounded = straight_through(nearest(x / step) * step, x)
        return clip(rounded, -half * step, (half - 1) * step)


class OnGrid(Field["tuple[int, int]", Grid]):
    """A `Grid`, or its scale and bits."""

    def convert(self, where: str, value: tuple[int, int]) -> Grid:
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise ParameterError(where, f"must be a Grid or (scale, bits), got {value!r}")
        scale = as_int(f"{where}, scale", value[0], 1, MOST)
        return Grid(scale, as_int(f"{where}, bits", value[1], 2, 24))


class FewBits(Field["str | tuple[int, int]", "str | Grid"]):
    """The name of a format of weights, or a `Grid`."""

    def convert(self, where: str, value: str | tuple[int, int]) -> str | Grid:
        if isinstance(value, str):
            if value not in FORMATS:
                raise ParameterError(
                    where, f"must be one of {', '.join(FORMATS)}, or a Grid, got {value!r}"
                )
            return value
        return OnGrid().convert(where, value)
