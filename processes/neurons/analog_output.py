"""What LIF and LIF+ share: what is sent, noise in training, the gradient of the reset."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bidl_sim.core.fields import Choice, Real
from bidl_sim.core.intrinsics import detach
from bidl_sim.core.process import State
from bidl_sim.processes.neurons.noise import gaussian_like
from bidl_sim.processes.normalization.membrane_norm import MembraneNorm
from bidl_sim.processes.transforms.activation import ACTIVATIONS
from bidl_sim.typing import Value

OUTPUTS = ("spike", "pre", "centered", "reset", "leaked")


class AnalogOutput(MembraneNorm, abstract=True):
    """Base: neurons that send their spike, or a function of their potential instead (LIAF).

    Parameters
    ----------
    output : "spike", "pre", "centered", "reset" or "leaked"
        What is sent. The analog taps send act of the potential before the spike test, the same
        less the threshold, after the reset, or after the leak; the spike then only resets.
    activation
        act of the analog taps, a name of `ACTIVATIONS`.
    reset_grad : "full" or "detached"
        Whether the gradient also flows through the spike that resets.
    noise : >= 0, default 0
        In training, ``noise * std * e`` is added to the potential that is tested, e standard
        normal and std the potential's standard deviation, of each sample: within each channel of
        an image, over all neurons of a flat population. No gradient flows through it.

    State
    -----
    v : potential
    fired : the spikes behind an analog output; not kept where ``s_out`` is the spike itself
    """

    _: KW_ONLY
    output: Choice = Choice(OUTPUTS, "spike")
    activation: Choice = Choice(ACTIVATIONS, "relu")
    reset_grad: Choice = Choice(("full", "detached"), "full")
    noise: Real = Real(0.0, low=0.0)

    v = State(0.0)
    fired = State(0.0)

    @property
    def spikes(self) -> str:
        return "s_out" if self.output == "spike" else "fired"

    def states(self, training: bool) -> tuple[str, ...]:
        kept = super().states(training)
        return tuple(n for n in kept if n != "fired" or self.spikes == "fired")

    def draws(self, training: bool) -> bool:
        return training and self.noise > 0

    def noisy(self, u: Value, uniform: Value) -> Value:
        """The potential with its noise; ``uniform`` is None where there is none."""
        return u if uniform is None else u + self.noise * gaussian_like(u, uniform)

    def resetting(self, s: Value) -> Value:
        """The spike as the reset sees it."""
        return detach(s) if self.reset_grad == "detached" else s

    def sent(self, spike: Value, **taps: Value) -> Value:
        """The output: the spike, or act of the chosen tap."""
        return spike if self.output == "spike" else ACTIVATIONS[self.activation](taps[self.output])
