"""How the chip holds tensors: channels last, in two or four axes."""

from __future__ import annotations

import math

from bidl_sim.typing import Shape


def held_shape(shape: Shape, accumulator: bool) -> Shape:
    """The shape of a state on the chip, for one sample.

    A vector is ``(1, n)``, an image ``(1, height, width, channels)``. An accumulator over time is
    lifted to four axes; any other shape is laid flat.
    """
    if len(shape) == 3:
        return (1, *shape[1:], shape[0])
    return (1, 1, 1, math.prod(shape)) if accumulator else (1, math.prod(shape))
