"""Files of SpikingJelly 2.0: a spike is at the threshold, potentials begin at v_reset.

An input leaks as the potential does (r = 1), or is added as it is (r = tau/dt, of IF 1/dt).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bidl_sim.errors import FormatError
from bidl_sim.netx.nir.libraries.membrane import Membrane
from bidl_sim.netx.nir.libraries.snntorch import unscaled_cuba
from bidl_sim.netx.nir.libraries.source import Source
from bidl_sim.netx.nir.libraries.target import Target


def _lif(m: Membrane, dt: float) -> tuple[str, dict[str, Any]]:
    m.check_zero("v_leak", "SpikingJelly")
    if np.any(m.lost >= 1):
        raise FormatError(f"{m.node.where}, tau", "is not above a timestep, as in SpikingJelly")
    leaks = np.allclose(m.gain, m.lost, rtol=1e-9)
    unit, r = (m.gain / m.lost, np.ones_like(m.lost)) if leaks else (m.gain, 1 / m.lost)
    return "LIF", {"tau": dt / m.lost, "r": r, **m.scaled(unit)}


def _if(m: Membrane, dt: float) -> tuple[str, dict[str, Any]]:
    return "IF", {"r": np.full_like(m.gain, 1 / dt), **m.scaled(m.gain)}


SOURCE = Source({"dt": 1e-4, "compare": "ge"}, begins_at="v_reset")

TARGET = Target(
    "SpikingJelly",
    ("Affine", "Linear", "Conv1d", "Conv2d", "Flatten", "AvgPool2d"),
    {"LIF": _lif, "IF": _if, "CubaLIF": unscaled_cuba},
    {
        "method": "euler",
        "if_gain": "dt",
        "reset": "value",
        "max_spikes": 1,
        "v_min": None,
        "compare": "ge",
    },
    dt=1e-4,
    uniform=("tau", "tau_syn", "tau_mem", "r", "w_in", "v_threshold"),
)
