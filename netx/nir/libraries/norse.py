"""Files of norse 1.1.

Its writer says dt times a time constant, counts the batch axis, and leaves out that a spike adds 1
to the current of a CubaLIF; its reader takes r of an LIF as 1, and adds v_leak to the current, too.
Potentials begin at v_leak.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bidl_sim.netx.nir.libraries.membrane import Membrane
from bidl_sim.netx.nir.libraries.source import Fields, Source
from bidl_sim.netx.nir.libraries.target import USUAL, Target


def _fields(kind: str, fields: Fields, dt: float) -> Fields:
    right = {n: v / dt if n.startswith("tau") else v for n, v in fields.items()}
    return {**right, "w_in": right["tau_syn"] / dt} if "tau_syn" in right else right


def _lif(m: Membrane, dt: float) -> tuple[str, dict[str, Any]]:
    m.check_zero("v_leak", "norse")
    unit = m.gain / m.lost
    return "LIF", {"tau": dt / m.lost, "r": np.ones_like(unit), **m.scaled(unit)}


def _if(m: Membrane, dt: float) -> tuple[str, dict[str, Any]]:
    return "IF", {"r": np.ones_like(m.gain), **m.scaled(m.gain)}


def _cuba(m: Membrane, dt: float) -> tuple[str, dict[str, Any]]:
    m.check_zero("v_leak", "norse")
    return "CubaLIF", {
        "tau_syn": dt / m.current_lost,
        "tau_mem": dt / m.lost,
        "w_in": m.current_gain / m.current_lost,
        "r": m.gain / m.lost,
        **m.scaled(np.ones_like(m.gain)),
    }


SOURCE = Source({"dt": 1e-3}, fields=_fields, counts_batch=True, begins_at="v_leak")

TARGET = Target(
    "norse",
    ("Affine", "Linear", "Conv2d", "Flatten", "SumPool2d"),
    {"LIF": _lif, "IF": _if, "CubaLIF": _cuba},
    USUAL,
    dt=1e-3,
    flattens_batch=True,
)
