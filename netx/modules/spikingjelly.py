"""The neurons of SpikingJelly, of which an input at the threshold makes a spike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bidl_sim.core.process import Process
from bidl_sim.netx.modules.layers import LAYERS
from bidl_sim.netx.modules.module import Module, Reader
from bidl_sim.processes import IF, RCLIF, CubaLIF

NEURONLESS = ("AvgPool2d", "BatchNorm1d", "BatchNorm2d", "Conv1d", "Conv2d", "ConvTranspose2d")


def _firing(m: Module) -> dict[str, Any]:
    """Threshold and reset; potentials begin at v_reset."""
    t = m.torch
    soft = t.v_reset is None
    return {
        "v_threshold": t.v_threshold,
        "v_reset": 0.0 if soft else t.v_reset,
        "reset": "subtract" if soft else "value",
        "compare": "ge",
        "initial": None if soft or t.v_reset == 0 else {"v": t.v_reset},
    }


def _if(m: Module) -> Process:
    return IF(**_firing(m))


def _lif(m: Module) -> Process:
    """Time constants are in steps."""
    t = m.torch
    tau = 1 / (1 / (1 + np.exp(-m.array("w")))) if hasattr(t, "w") else np.float64(t.tau)
    firing = _firing(m)
    r = 1.0 if t.decay_input else tau
    return RCLIF(tau=tau, r=r, v_leak=firing["v_reset"], dt=1.0, **firing)


def _cuba(m: Module) -> Process:
    lost, current_lost = 1 - m.torch.v_decay, 1 - m.torch.c_decay
    for name, value in (("v_decay", lost), ("c_decay", current_lost)):
        if value <= 0:
            m.refuse(name, "leaves all in a step; no time constant is infinite")
    return CubaLIF(
        tau_syn=1 / current_lost,
        w_in=1 / current_lost,
        tau_mem=1 / lost,
        r=1 / lost,
        dt=1.0,
        **_firing(m),
    )


MODULES: Mapping[str, Reader] = {
    "CUBALIFNode": _cuba,
    "IFNode": _if,
    "LIFNode": _lif,
    "ParametricLIFNode": _lif,
    **{name: LAYERS[name] for name in (*NEURONLESS, "Dropout", "Flatten", "Linear", "MaxPool2d")},
}
"""By name of the class; its layers are those of torch with a place for time."""
