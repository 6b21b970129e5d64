"""Between our populations and the ``neuron`` groups of .net files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    CUBAInput,
    Delta,
    RFIzhikevich,
    Sigma,
    SigmaDelta,
)
from bidl_sim.typing import Array

Fields = Mapping[str, Any]

DECAY = 4096
NEVER = (1 << 18) - 1
"""The threshold of a neuron that never spikes."""
ALWAYS = 2.0**-8
"""What stands for a threshold of 0, which any state above 0 is above: less than a unit of it."""
WITHOUT: Fields = {"type": "CUBA", "iDecay": 0, "vDecay": DECAY, "vThMant": 1 << 17}
"""The neuron of a layer that has none: a sum that never spikes."""

KINDS: Mapping[str, type[Process]] = {
    "CUBA": CUBA,
    "LOIHI": CUBA,
    "ALIF": ALIF,
    "RF_PHASE": RF,
    "RF_IZHIKEVICH": RFIzhikevich,
    "ADRF_PHASE": ADRF,
    "ADRF_IZHIKEVICH": ADRFIzhikevich,
    "SDNN": SigmaDelta,
}
UNSAID = {"refractory", "cum_error", "correction", "state_exp", "spike_exp"}
"""Options that change what a population computes and that a file does not hold."""
DECAYS = {
    "current_decay": "iDecay",
    "voltage_decay": "vDecay",
    "sin_decay": "sinDecay",
    "cos_decay": "cosDecay",
    "threshold_decay": "thDecay",
    "refractory_decay": "refDecay",
}
MANTISSAS = {"threshold": "vThMant", "threshold_step": "vThStep"}


# -- a file's to ours ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """How the populations of a file are to compute.

    Attributes
    ----------
    arithmetic
        "integer", a chip's numbers, or "fixed", the same in the units of training.
    as_lava
        As Lava's processes do: 24 bits, decays of oscillations by way of a period, ReLU always.
    """

    arithmetic: str = "integer"
    as_lava: bool = False

    @property
    def mantissa(self) -> float:
        """What one of a file's weights, biases and thresholds is."""
        return 1.0 if self.arithmetic == "integer" else 1 / 64


def population(
    neuron: Fields | None, model: Model, where: str, is_input: bool = False, **options: Any
) -> Process:
    """The population that a ``neuron`` group describes; ``options`` are further ones of ours."""
    neuron = WITHOUT if neuron is None else neuron
    name = neuron["type"]
    if name not in KINDS:
        raise FormatError(f"{where}/type", f"is {name!r}, a neuron can be {', '.join(KINDS)}")
    kind = KINDS[name]
    if name == "SDNN":
        return _difference(neuron, model, where, is_input, options)
    given = options | {"arithmetic": model.arithmetic}
    given |= {
        ours: _decay(neuron, theirs, where)
        for ours, theirs in DECAYS.items()
        if ours in kind.param_specs
    }
    given |= {
        ours: _mantissa(neuron, theirs, where) * model.mantissa
        for ours, theirs in MANTISSAS.items()
        if ours in kind.param_specs
    }
    given["threshold"] = np.where(
        given["threshold"] == 0, ALWAYS * model.mantissa, given["threshold"]
    )
    if np.any(neuron.get("gradedSpike", False)):
        given["output"] = "graded"
    if model.as_lava:
        given["wrap"] = model.arithmetic == "integer"
        if "sin_decay" in given:
            given["sin_decay"], given["cos_decay"] = by_period(
                given["sin_decay"], given["cos_decay"]
            )
    return (CUBAInput if is_input and kind is CUBA else kind)(**given)


def _difference(
    neuron: Fields, model: Model, where: str, is_input: bool, options: dict[str, Any]
) -> Process:
    if "sigma_output" in neuron and (model.as_lava or np.all(neuron["sigma_output"])):
        return Sigma()
    threshold = _mantissa(neuron, "vThMant", where) * model.mantissa
    given = {"threshold": threshold, "arithmetic": model.arithmetic, **options}
    if is_input:
        return Delta(**given)
    activation = "relu" if model.as_lava else neuron.get("activation", "relu")
    return SigmaDelta(activation=activation, **given)


def by_period(sin_decay: Array, cos_decay: Array) -> tuple[Array, Array]:
    """What is left of two factors that were a period and a decay between: some lose 1 / 4096."""
    decay = 1 - np.sqrt(sin_decay**2 + cos_decay**2)
    period = 1 / (np.arctan2(sin_decay, cos_decay) / 2 / np.pi)
    angle = 2 * np.pi / period
    factors = ((1 - decay) * np.sin(angle), (1 - decay) * np.cos(angle))
    sin, cos = (np.trunc(factor * DECAY) / DECAY for factor in factors)
    return sin, cos


def _decay(neuron: Fields, name: str, where: str) -> Array:
    return _whole(neuron, name, where, DECAY) / DECAY


def _mantissa(neuron: Fields, name: str, where: str) -> Array:
    return _whole(neuron, name, where, 1 << 30).astype(np.float64)


def _whole(neuron: Fields, name: str, where: str, most: int) -> Array:
    """Whole numbers in [-4096, most]: one, or one for each channel."""
    if name not in neuron:
        raise FormatError(where, f"a {neuron['type']} neuron without {name!r}")
    value = np.asarray(neuron[name])
    if value.dtype.kind not in "iu" or value.ndim > 1 or not value.size:
        raise FormatError(f"{where}/{name}", f"must be whole numbers, one or a list, is {value}")
    low = -DECAY if name == "cosDecay" else 0
    if value.min() < low or value.max() > most:
        raise FormatError(f"{where}/{name}", f"must be in [{low}, {most}], is {value}")
    return value.reshape(()) if value.size == 1 else value


# -- ours to a file's ----------------------------------------------------------------------------


def neuron_fields(process: Process) -> dict[str, Any]:
    """The members of a ``neuron`` group, by name: whole numbers, text and truth values.

    Raises `FormatError` for a process that the format has no word for.
    """
    given: Any = process
    for name in UNSAID & process.option_specs.keys():
        usual = process.option_specs[name].default
        if getattr(given, name) != usual:
            raise FormatError(
                f"{process.where}, {name}",
                f"is {getattr(given, name)!r}; a .net file has no word for it and means {usual!r}",
            )
    for kind, fields in WRITERS.items():
        if type(process) is kind:
            return fields(given)
    known = ", ".join(kind.__name__ for kind in WRITERS)
    raise FormatError(
        process.where,
        "has no place in a .net file",
        f"it holds {known}; bidl convert --quantize makes those of trained networks",
    )


def whole(value: Array | float) -> Array:
    """Whole numbers: one, or one for each channel."""
    array = np.asarray(value, np.float64)
    array = np.asarray(array.reshape(()) if array.size == 1 else array)
    return array.astype(np.int64)


def decay(value: Array) -> Array:
    """A decay in steps of 1/4096."""
    return whole(np.rint(DECAY * np.asarray(value, np.float64)))


def mantissa(p: Any, value: Array) -> Array:
    """A threshold in mantissas, cut towards zero."""
    scale = 1 if p.arithmetic == "integer" else p.scale
    return whole(np.trunc(scale * np.asarray(value, np.float64)))


def _cuba(p: Any) -> dict[str, Any]:
    return {
        "type": "CUBA",
        "iDecay": decay(p.current_decay),
        "vDecay": decay(p.voltage_decay),
        "vThMant": mantissa(p, p.threshold),
        "refDelay": whole(1),
        "gradedSpike": p.output == "graded",
    }


def _adaptive(p: Any) -> dict[str, Any]:
    return {
        "thDecay": decay(p.threshold_decay),
        "refDecay": decay(p.refractory_decay),
        "vThStep": mantissa(p, p.threshold_step),
    }


def _alif(p: Any) -> dict[str, Any]:
    return {**_cuba(p), **_adaptive(p), "type": "ALIF"}


def _resonant(name: str) -> Callable[[Any], dict[str, Any]]:
    def fields(p: Any) -> dict[str, Any]:
        return {
            "type": name,
            "sinDecay": decay(p.sin_decay),
            "cosDecay": decay(p.cos_decay),
            "vThMant": mantissa(p, p.threshold),
            "gradedSpike": p.output == "graded",
        }

    return fields


def _adaptive_resonant(name: str) -> Callable[[Any], dict[str, Any]]:
    return lambda p: {**_resonant(name)(p), **_adaptive(p)}


def _difference_fields(p: Any) -> dict[str, Any]:
    return {
        "type": "SDNN",
        "vThMant": mantissa(p, p.threshold),
        "activation": getattr(p, "activation", "relu"),
    }


WRITERS: Mapping[type[Process], Callable[[Any], dict[str, Any]]] = {
    CUBA: _cuba,
    CUBAInput: _cuba,
    ALIF: _alif,
    RF: _resonant("RF_PHASE"),
    RFIzhikevich: _resonant("RF_IZHIKEVICH"),
    ADRF: _adaptive_resonant("ADRF_PHASE"),
    ADRFIzhikevich: _adaptive_resonant("ADRF_IZHIKEVICH"),
    Delta: _difference_fields,
    SigmaDelta: _difference_fields,
}
