"""BIDL's configuration of a LIF+ neuron: a number for each mechanism."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bidl_sim.core.fields import as_int
from bidl_sim.errors import ParameterError

BY_NUMBER: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "input_accum": ("accumulation", ("cub", "cobe", "coba")),
    "rev_volt": ("", ("", "_rev")),
    "fire_refrac": ("refractory", ("none", "absolute", "relative")),
    "spike_init": ("trigger", ("naive", "exi", "qdi")),
    "trig_current": ("spike_current", ("none", "adt", "sbt")),
    "memb_decay": ("decay", ("basic", "exponential", "linear")),
}
"""The fields in their order: the stage of `LIFPlus` each is about, and its options from 0 on."""


def from_numbers(neuron_config: Iterable[Any]) -> dict[str, str]:
    """Options of `LIFPlus` by stage, of BIDL's tuple.

    ``[input_accum, rev_volt, fire_refrac, spike_init, trig_current, memb_decay]``, numbers as in
    `BY_NUMBER`; rev_volt is a truth value and needs an input_accum of 1 or 2.
    """
    where = "LIFPlus.from_config, neuron_config"
    given = list(neuron_config) if isinstance(neuron_config, (list, tuple)) else []
    if len(given) != len(BY_NUMBER):
        raise ParameterError(where, f"must be [{', '.join(BY_NUMBER)}], got {neuron_config!r}")
    chosen = {}
    for (name, (stage, options)), value in zip(BY_NUMBER.items(), given, strict=True):
        number = as_int(f"{where}, {name}", int(value) if value in (True, False) else value, 0)
        if number >= len(options):
            raise ParameterError(
                f"{where}, {name}", f"must be at most {len(options) - 1}, got {number}"
            )
        chosen[stage] = options[number]
    reversal = chosen.pop("")
    if reversal and chosen["accumulation"] == "cub":
        raise ParameterError(f"{where}, rev_volt", "needs input_accum 1 (cobe) or 2 (coba)")
    return {**chosen, "accumulation": chosen["accumulation"] + reversal}
