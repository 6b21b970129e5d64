"""A threshold that rises with every spike, as lava-dl's adaptive neurons have it."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bidl_sim.core.intrinsics import detach
from bidl_sim.core.param import NON_NEGATIVE, POSITIVE, UNIT, Param
from bidl_sim.core.process import State
from bidl_sim.processes.neurons.firing import Firing
from bidl_sim.typing import Value


class Adaptive(Firing, abstract=True):
    """Base: neurons that fire at or above ``threshold + adaptation + refractory``.

    ::

        adaptation = (1 - threshold_decay) adaptation
        refractory = (1 - refractory_decay) refractory
        refractory = refractory + 2 (threshold + adaptation)    where it fires, then
        adaptation = adaptation + threshold_step

    No gradient flows through either, as in SLAYER.

    Parameters
    ----------
    threshold : > 0, default 1
    threshold_step : >= 0, default 0.5
    threshold_decay, refractory_decay : in [0, 1], default 0.1, 0.2

    State
    -----
    adaptation : how far the threshold is above its rest
    refractory : what a spike puts upon it
    """

    _: KW_ONLY
    threshold: Param = Param(1.0, within=POSITIVE)
    threshold_step: Param = Param(0.5, within=NON_NEGATIVE, learnable=False)
    threshold_decay: Param = Param(0.1, within=UNIT, learnable=False)
    refractory_decay: Param = Param(0.2, within=UNIT, learnable=False)

    adaptation = State(0.0)
    refractory = State(0.0)

    def faded(self, x: Value, t: Value, decay: Value) -> Value:
        """An adaptive state, decayed."""
        return detach(self.times(self.carried(x, t), 1 - self.on_grid(decay)))

    def raised(
        self, s: Value, level: Value, adaptation: Value, refractory: Value, step: Value
    ) -> tuple[Value, Value]:
        """The adaptive states after the spikes of this step."""
        s, level = detach(s), detach(level)
        step = detach(self.level(step))
        return adaptation + s * step, refractory + s * 2 * (level + adaptation)
