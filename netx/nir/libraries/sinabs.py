"""Files of sinabs 3.1: time constants in steps, any number of spikes, a reset that subtracts.

Its reader adds an input as it is, whatever r and the leak are, and holds IF above -v_threshold. It
needs nir 1.0.4, which has no v_reset.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bidl_sim.errors import FormatError
from bidl_sim.netx.nir.libraries.membrane import Membrane
from bidl_sim.netx.nir.libraries.source import Fields, Source
from bidl_sim.netx.nir.libraries.target import Target
from bidl_sim.processes.neurons.thresholded import ANY
from bidl_sim.typing import Array


def _fields(kind: str, fields: Fields, dt: float) -> Fields:
    if "tau" not in fields:
        return fields
    with np.errstate(all="ignore"):  # a tau that is not above 0 is refused later
        r = 1 / -np.expm1(-dt / fields["tau"].astype(np.float64))
    return {**fields, "r": r}


def _tau(m: Membrane) -> Array:
    """The time constant in steps of a potential that has one axis."""
    m.check_zero("v_leak", "sinabs")
    if m.lost.ndim > 1:
        raise FormatError(
            m.node.where, "is no vector; sinabs fails on the leaks of others", "flatten before it"
        )
    if np.any(m.lost >= 1):
        raise FormatError(f"{m.node.where}, tau", "leaves nothing of v, which sinabs cannot say")
    return np.asarray(-1 / np.log1p(-m.lost))


def _threshold(m: Membrane) -> dict[str, Any]:
    return {"r": np.ones_like(m.gain), "v_threshold": m.scaled(m.gain)["v_threshold"]}


def _lif(m: Membrane, dt: float) -> tuple[str, dict[str, Any]]:
    m.check_option("v_min", None, "sinabs")
    return "LIF", {"tau": _tau(m), "v_leak": np.zeros_like(m.gain), **_threshold(m)}


def _if(m: Membrane, dt: float) -> tuple[str, dict[str, Any]]:
    m.check_option("v_min", -1.0, "sinabs")
    return "IF", _threshold(m)


def _li(m: Membrane, dt: float) -> tuple[str, dict[str, Any]]:
    if not np.allclose(m.gain, 1, rtol=1e-9):
        raise FormatError(
            f"{m.node.where}, r",
            "times what leaks in a step is not 1, as it is in sinabs",
            "put it into the weights before it",
        )
    return "LI", {"tau": _tau(m), "r": np.ones_like(m.gain), "v_leak": np.zeros_like(m.gain)}


OPTIONS = {"method": "exp", "reset": "subtract", "max_spikes": ANY, "compare": "ge"}

SOURCE = Source({"dt": 1.0, **OPTIONS}, {"IF": {"v_min": -1.0}}, _fields)

TARGET = Target(
    "sinabs",
    ("Affine", "Conv2d", "Flatten", "SumPool2d"),
    {"LIF": _lif, "IF": _if, "LI": _li},
    {**OPTIONS, "if_gain": "per_step"},
    dt=1.0,
    has_dt=False,
    source="sinabs",
    loops=False,
)
