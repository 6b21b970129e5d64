"""Files of snnTorch 1.0: a step is 0.1 ms, an input is added as it is, a reset is to zero.

It writes loops as graphs within a graph, and fails to read them. A bias on the way back acts from
the first step on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bidl_sim.netx.nir.libraries.membrane import Membrane
from bidl_sim.netx.nir.libraries.source import Source
from bidl_sim.netx.nir.libraries.target import USUAL, Target

NEVER = 2.0**60
"""Timesteps in which what should stay is lost: 1 - 1/NEVER is 1."""


def unscaled_lif(m: Membrane, dt: float) -> tuple[str, dict[str, Any]]:
    """LIF to which an input is added as it is; a potential may stay."""
    m.check_zero("v_leak", "snnTorch")
    lost = np.where(m.lost == 0, 1 / NEVER, m.lost)
    leak = {"tau": dt / lost, "r": 1 / lost, "v_leak": np.zeros_like(lost)}
    return "LIF", {**m.scaled(m.gain), **leak}


def unscaled_cuba(m: Membrane, dt: float) -> tuple[str, dict[str, Any]]:
    """CubaLIF to which an input is added as it is, and so is the current to the potential."""
    m.check_zero("v_leak", "snnTorch and SpikingJelly")
    return "CubaLIF", {
        "tau_syn": dt / m.current_lost,
        "tau_mem": dt / m.lost,
        "w_in": 1 / m.current_lost,
        "r": 1 / m.lost,
        **m.scaled(m.gain * m.current_gain),
    }


SOURCE = Source({"dt": 1e-4}, biases_at_once=True)

TARGET = Target(
    "snnTorch",
    ("Affine", "Linear", "Conv2d", "Flatten", "AvgPool2d"),
    {"LIF": unscaled_lif, "IF": unscaled_lif, "CubaLIF": unscaled_cuba},
    USUAL,
    dt=1e-4,
    has_dt=False,
    loops=False,
    uniform=("v_threshold",),
    flattens_batch=True,
)
