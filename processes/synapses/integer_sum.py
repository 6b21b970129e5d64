"""Synapses of integer hardware: weights of few bits, sums that are shifted and wrap around."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bidl_sim.core.fields import Int, Maybe, MaybeInt
from bidl_sim.core.intrinsics import floor, straight_through
from bidl_sim.core.param import as_float_array
from bidl_sim.core.port import In, Out
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.typing import Array, Value

RANGES = {"mixed": (-256, 255), "excitatory": (0, 255), "inhibitory": (-255, 0)}


class IntegerSum(Process):
    """What an integer neuron gets of a synapse's sum: ``a_out = wrap(floor(s_in 2^exponent))``.

    Stands after a `Dense`, `Conv2d` or `Sparse` with `integer_weights`. It learns as if it only
    scaled. Sums of 2^24 and more need float64.

    Parameters
    ----------
    exponent : int in [-24, 24], default 0
        Of the weights; a negative one cuts the sum, not each weight.
    bits : int in [2, 24] or None, default None
        Where given, the sum wraps around: it is in [-2^(bits - 1), 2^(bits - 1)).

    Ports
    -----
    s_in, a_out : any shape

    References
    ----------
    ``weight_exp`` of Lava's processes; its ``Conv`` has 24 bits.
    """

    exponent: Int = Int(0, low=-24, high=24)
    bits: MaybeInt = Maybe(Int(low=2, high=24))

    s_in = In()
    a_out = Out()

    def step(self, s_in: Value) -> Value:
        scaled = s_in * 2.0**self.exponent
        whole = floor(scaled)
        if self.bits is not None:
            turn = 2.0**self.bits
            whole = whole - turn * floor((whole + turn / 2) / turn)
        return straight_through(whole, scaled)


def integer_weights(weight: ArrayLike, bits: int = 8, sign: str | None = None) -> Array:
    """The weights that Lava's fixed-point synapses compute with.

    They are brought into the range of 8 bits and a sign, then cut to the bits that are there: one
    is spent on the sign where it differs from weight to weight.

    Parameters
    ----------
    weight : whole numbers
    bits : 1 to 8
    sign : "mixed", "excitatory" or "inhibitory"; None for what the weights themselves are
        Ranges are -256 .. 255, 0 .. 255 and -255 .. 0. Mixed weights are cut downwards, the others
        towards zero.
    """
    given = as_float_array("integer_weights, weight", weight)
    if not np.all(given == np.rint(given)):
        raise ParameterError("integer_weights, weight", "must be whole numbers")
    if bits not in range(1, 9):
        raise ParameterError("integer_weights, bits", f"must be 1 to 8, got {bits!r}")
    if sign is None:
        mixed = np.any(given < 0) and np.any(given > 0)
        sign = "mixed" if mixed else "inhibitory" if np.any(given < 0) else "excitatory"
    if sign not in RANGES:
        raise ParameterError("integer_weights, sign", f"must be of {tuple(RANGES)}, got {sign!r}")
    step = 2 ** (8 - bits + (sign == "mixed"))
    cut = np.floor if sign == "mixed" else np.trunc
    weights: Array = cut(given.clip(*RANGES[sign]) / step) * step
    return weights
