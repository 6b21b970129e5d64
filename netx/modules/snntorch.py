"""The neurons of snnTorch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bidl_sim.core.process import Process
from bidl_sim.netx.modules.module import Module, Reader
from bidl_sim.processes import LIF, LateResetLIF

RESETS = {"subtract": "subtract", "zero": "value", "none": "none"}


def _leaky(m: Module) -> Process:
    """Reset to zero, which is before the leak in either step, it is an LIF."""
    m.plainly(inhibition=False, state_quant=False, graded_spikes_factor=1)
    t = m.torch
    alpha, v_th = np.clip(m.array("beta"), 0, 1), m.array("threshold")
    if t.reset_mechanism == "zero" and not hasattr(t, "alpha"):
        return LIF(alpha=alpha, v_th=v_th)
    alpha_syn = np.clip(m.array("alpha"), 0, 1) if hasattr(t, "alpha") else 0.0
    reset = RESETS[t.reset_mechanism]
    return LateResetLIF(
        alpha=alpha, alpha_syn=alpha_syn, v_th=v_th, reset=reset, late=bool(t.reset_delay)
    )


MODULES: Mapping[str, Reader] = {"Leaky": _leaky, "Synaptic": _leaky}
"""By name of the class."""
