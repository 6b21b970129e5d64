"""The neurons of norse, as cells of one timestep or with a loop over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bidl_sim.core.process import Process
from bidl_sim.netx.modules.module import Module, Reader, as_array
from bidl_sim.processes import IF, RC, RCLIF, CubaLI, CubaLIF

RESETS = {"reset_value": "value", "reset_subtract": "subtract"}


def _membrane(m: Module, tau: str) -> dict[str, Any]:
    """Potentials begin at v_leak."""
    p = m.torch.p
    leak = as_array(p.v_leak)
    initial = {"v": leak} if np.any(leak != 0) else None
    tau_mem = 1 / as_array(p.tau_mem_inv)
    return {tau: tau_mem, "v_leak": leak, "dt": m.torch.dt, "initial": initial}


def _current(m: Module) -> dict[str, Any]:
    """An input is added to the current as it is."""
    tau = 1 / as_array(m.torch.p.tau_syn_inv)
    return {"tau_syn": tau, "w_in": tau / m.torch.dt}


def _firing(m: Module) -> dict[str, Any]:
    p = m.torch.p
    method = getattr(p, "reset_method", None)
    name = "reset_value" if method is None else getattr(method, "__name__", str(method))
    if name not in RESETS:
        m.refuse("p.reset_method", f"is {name}, which no process does", "use reset_value")
    return {
        "v_threshold": as_array(p.v_th),
        "v_reset": as_array(p.v_reset),
        "reset": RESETS[name],
    }


def _if(m: Module) -> Process:
    """Potentials begin at v_reset."""
    firing = _firing(m)
    initial = {"v": firing["v_reset"]} if np.any(firing["v_reset"] != 0) else None
    return IF(**firing, initial=initial)


def _lif_box(m: Module) -> Process:
    return RCLIF(**_membrane(m, "tau"), **_firing(m))


def _li_box(m: Module) -> Process:
    return RC(**_membrane(m, "tau"))


def _lif(m: Module) -> Process:
    return CubaLIF(**_membrane(m, "tau_mem"), **_current(m), **_firing(m))


def _li(m: Module) -> Process:
    return CubaLI(**_membrane(m, "tau_mem"), **_current(m))


MODULES: Mapping[str, Reader] = {
    "IAF": _if,
    "IAFCell": _if,
    "LI": _li,
    "LICell": _li,
    "LIBoxCell": _li_box,
    "LIF": _lif,
    "LIFCell": _lif,
    "LIFBoxCell": _lif_box,
}
"""By name of the class."""
