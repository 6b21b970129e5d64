"""What a .net file says of a neuron."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError
from bidl_sim.processes import (
    ADRF,
    ALIF,
    CUBA,
    RF,
    ADRFIzhikevich,
    Delta,
    RFIzhikevich,
    SigmaDelta,
)
from bidl_sim.typing import Array

Fields = dict[str, Any]

NEVER = (1 << 18) - 1
"""The threshold of a neuron that never spikes."""


def neuron_fields(process: Process) -> Fields:
    """The members of a ``neuron`` group, by name: whole numbers, text and truth values.

    Raises `FormatError` for a process that the format has no word for.
    """
    given: Any = process
    for kind, fields in WRITERS.items():
        if type(process) is kind:
            return fields(given)
    known = ", ".join(kind.__name__ for kind in WRITERS)
    raise FormatError(process.where, "has no place in a .net file", f"it holds {known}")


def whole(value: Array | float) -> Array:
    """Whole numbers: one, or one for each channel."""
    array = np.asarray(value, np.float64)
    array = np.asarray(array.reshape(()) if array.size == 1 else array)
    return array.astype(np.int64)


def decay(value: Array) -> Array:
    """A decay in steps of 1/4096."""
    return whole(np.rint(4096 * np.asarray(value, np.float64)))


def mantissa(value: Array, scale: int) -> Array:
    """A threshold in mantissas, cut towards zero."""
    return whole(np.trunc(scale * np.asarray(value, np.float64)))


def _cuba(p: Any) -> Fields:
    return {
        "type": "CUBA",
        "iDecay": decay(p.current_decay),
        "vDecay": decay(p.voltage_decay),
        "vThMant": mantissa(p.threshold, p.scale),
        "refDelay": whole(1),
        "gradedSpike": p.output == "graded",
    }


def _adaptive(p: Any) -> Fields:
    return {
        "thDecay": decay(p.threshold_decay),
        "refDecay": decay(p.refractory_decay),
        "vThStep": mantissa(p.threshold_step, p.scale),
    }


def _alif(p: Any) -> Fields:
    return {**_cuba(p), **_adaptive(p), "type": "ALIF"}


def _resonant(name: str) -> Callable[[Any], Fields]:
    def fields(p: Any) -> Fields:
        return {
            "type": name,
            "sinDecay": decay(p.sin_decay),
            "cosDecay": decay(p.cos_decay),
            "vThMant": mantissa(p.threshold, p.scale),
            "gradedSpike": p.output == "graded",
        }

    return fields


def _adaptive_resonant(name: str) -> Callable[[Any], Fields]:
    return lambda p: {**_resonant(name)(p), **_adaptive(p)}


def _sigma_delta(p: Any) -> Fields:
    if p.cum_error:
        raise FormatError(f"{p.where}, cum_error", "has no place in a .net file")
    return {
        "type": "SDNN",
        "vThMant": mantissa(p.threshold, p.scale),
        "activation": getattr(p, "activation", "relu"),
    }


WRITERS: Mapping[type[Process], Callable[[Any], Fields]] = {
    CUBA: _cuba,
    ALIF: _alif,
    RF: _resonant("RF_PHASE"),
    RFIzhikevich: _resonant("RF_IZHIKEVICH"),
    ADRF: _adaptive_resonant("ADRF_PHASE"),
    ADRFIzhikevich: _adaptive_resonant("ADRF_IZHIKEVICH"),
    Delta: _sigma_delta,
    SigmaDelta: _sigma_delta,
}
