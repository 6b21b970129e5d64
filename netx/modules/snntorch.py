"""The neurons of snnTorch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.netx.modules.layers import LAYERS
from bidl_sim.netx.modules.module import Module, Reader
from bidl_sim.processes import LIF, LateResetLIF, Scale

RESETS = {"subtract": "subtract", "zero": "value", "none": "none"}


def _leaky(m: Module) -> Process:
    """With a reset to zero, which is before the leak in either step, it is an LIF."""
    if m.torch.reset_mechanism != "zero":
        return _synaptic(m)
    _check(m)
    return LIF(alpha=np.clip(m.array("beta"), 0, 1), v_th=m.array("threshold"))


def _synaptic(m: Module) -> LateResetLIF:
    _check(m)
    t = m.torch
    return LateResetLIF(
        alpha=np.clip(m.array("beta"), 0, 1),
        alpha_syn=np.clip(m.array("alpha"), 0, 1) if hasattr(t, "alpha") else 0.0,
        v_th=m.array("threshold"),
        reset=RESETS[t.reset_mechanism],
        late=bool(t.reset_delay),
    )


def _recurrent(m: Module) -> Process:
    """Spikes come back in the next step; a bias acts from the first step on."""
    net = Network()
    neuron, back = net.add(_synaptic(m), "neuron"), net.add(_way_back(m), "recurrent")
    net.connect(neuron, back, delay=1)
    net.connect(back, neuron)
    net.expose(neuron.a_in)
    net.expose(neuron.s_out)
    return net


def _way_back(m: Module) -> Process:
    inner = m.torch.recurrent
    found = LAYERS.get(type(inner).__name__)
    if not m.torch.all_to_all:
        return Scale(Module(inner, m.where, None).array("V"))
    if found is None:
        m.refuse("recurrent", f"is a {type(inner).__name__}, known are Linear and Conv2d")
    back = found(Module(inner, f"{m.where}, recurrent", None))
    assert back is not None
    return back


def _check(m: Module) -> None:
    m.plainly(inhibition=False, state_quant=False, graded_spikes_factor=1)


MODULES: Mapping[str, Reader] = {
    "Leaky": _leaky,
    "RLeaky": _recurrent,
    "RSynaptic": _recurrent,
    "Synaptic": _synaptic,
}
"""By name of the class."""
