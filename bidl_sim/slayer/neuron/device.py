"""A neuron's numbers on a chip, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bidl_sim.core.process import Process
from bidl_sim.netx.lava.neurons import DECAYS, MANTISSAS, NEVER, decay, neuron_fields, whole

WORDS = {f"cx_{name}": member for name, member in DECAYS.items()}
WORDS |= {"v_th_mant": "vThMant", "ref_delay": "refDelay"}
"""A neuron's attributes in lava-dl, and what a file calls them."""


def device_params(parts: Mapping[str, Process]) -> dict[str, Any] | None:
    """The members of a ``neuron`` group for processes that a `Family` made, None without neurons.

    Neurons that do not spike get a threshold that they never reach.
    """
    if "neuron" in parts:
        fields = neuron_fields(parts["neuron"])
        if "current" in parts:  # a norm stands between current and voltage
            current: Any = parts["current"]
            fields["iDecay"] = decay(current.decay)
        if "activation" in parts:  # of a sigma-delta neuron, behind its norm
            activation: Any = parts["activation"]
            fields["activation"] = activation.function
        return fields
    silent = {"vThMant": whole(NEVER), "gradedSpike": False}
    if "voltage" in parts:
        leaks: list[Any] = [parts["current"], parts["voltage"]]
        decays = {"iDecay": decay(leaks[0].decay), "vDecay": decay(leaks[1].decay)}
        return {"type": "CUBA", **decays, "refDelay": whole(1), **silent}
    if "resonator" in parts:
        ring: Any = parts["resonator"]
        decays = {"sinDecay": decay(ring.sin_decay), "cosDecay": decay(ring.cos_decay)}
        return {"type": "RF_PHASE", **decays, **silent}
    return None


def neuron_params(
    device_params: Mapping[str, Any], scale: int = 64, p_scale: int = 4096
) -> dict[str, Any]:
    """The arguments of a neuron with these members in a file.

    Parameters
    ----------
    device_params
        As `Neuron.device_params` or a ``neuron`` group of a .net file has them.
    scale, p_scale
        What 1.0 is in thresholds and in decays.
    """
    units = dict.fromkeys(DECAYS.items(), p_scale) | dict.fromkeys(MANTISSAS.items(), scale)
    found = {
        name: plain(np.asarray(device_params[member]) / unit)
        for (name, member), unit in units.items()
        if member in device_params
    }
    if "sinDecay" in device_params:
        sin, cos = found.pop("sin_decay"), found.pop("cos_decay")
        found["period"] = 2 * np.pi / np.arctan2(sin, cos)
        found["decay"] = 1 - np.hypot(sin, cos)
    if "activation" in device_params:
        found["activation"] = device_params["activation"]
    if device_params.get("gradedSpike"):
        found["graded_spike"] = True
    return found


def plain(value: Any) -> Any:
    """A number, or as many as there are channels."""
    return value[()] if getattr(value, "ndim", 1) == 0 else value
