"""The layers of sinabs, of which time constants are in steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bidl_sim.core.process import Process
from bidl_sim.netx.modules.layers import sum_pool
from bidl_sim.netx.modules.module import Module, Reader
from bidl_sim.processes import IF, RC, RCLIF, CubaLIF
from bidl_sim.processes.neurons.thresholded import ANY


def _firing(m: Module) -> dict[str, Any]:
    """How many spikes, what is lost by one, and the bound in thresholds."""
    t = m.torch
    threshold = m.array("spike_threshold")
    found: dict[str, Any] = {"v_threshold": threshold, "compare": "ge", "reset": _reset(m)}
    named = t.spike_fn if isinstance(t.spike_fn, type) else type(t.spike_fn)
    limits = {"MultiSpike": ANY, "SingleSpike": 1}
    if named.__name__ == "MaxSpike":
        limits["MaxSpike"] = t.spike_fn.max_num_spikes_per_bin or ANY
    if named.__name__ not in limits:
        m.refuse("spike_fn", f"is {named.__name__}, known are {', '.join(limits)} and MaxSpike")
    found["max_spikes"] = limits[named.__name__]
    if t.min_v_mem is not None:
        bound = np.unique(m.array("min_v_mem") / threshold)
        if bound.size > 1:
            m.refuse("min_v_mem", "is not the same number of thresholds for all neurons")
        found["v_min"] = float(bound[0])
    return found


def _reset(m: Module) -> str:
    reset = m.torch.reset_fn
    name = type(reset).__name__
    if name == "MembraneSubtract" and reset.subtract_value is None:
        return "subtract"
    if name != "MembraneReset" or reset.reset_value != 0:
        m.refuse("reset_fn", f"is {reset!r}, known are MembraneSubtract() and MembraneReset(0)")
    return "value"


def _membrane(m: Module, tau: str) -> dict[str, Any]:
    """An input is added as it is, or times what leaks in a step."""
    steps = m.array("tau_mem_calculated").astype(np.float64)
    r = np.ones_like(steps) if m.torch.norm_input else 1 / -np.expm1(-1 / steps)
    return {tau: steps, "r": r, "dt": 1.0, "method": "exp"}


def _lif(m: Module) -> Process:
    if m.torch.tau_syn_calculated is None:
        return RCLIF(**_membrane(m, "tau"), **_firing(m))
    keep = np.exp(-1 / m.array("tau_syn_calculated").astype(np.float64))
    current = {"tau_syn": 1 / (1 - keep), "w_in": keep / (1 - keep)}
    return CubaLIF(**_membrane(m, "tau_mem"), **current, **_firing(m))


def _iaf(m: Module) -> Process:
    if m.torch.tau_syn_calculated is not None:
        m.refuse("tau_syn", "is given, and no process integrates a current without a leak")
    return IF(**_firing(m))


def _leak(m: Module) -> Process:
    m.plainly(min_v_mem=None)
    return RC(**_membrane(m, "tau"))


MODULES: Mapping[str, Reader] = {
    "ExpLeak": _leak,
    "ExpLeakSqueeze": _leak,
    "IAF": _iaf,
    "IAFSqueeze": _iaf,
    "LIF": _lif,
    "LIFSqueeze": _lif,
    "SumPool2d": sum_pool,
}
"""By name of the class."""
