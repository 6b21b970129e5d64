"""The product of two signals, value by value."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_lowercase
from typing import TYPE_CHECKING

from bidl_sim.core.equation import Equation
from bidl_sim.core.fields import Choice
from bidl_sim.core.forms import Product
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import ShapeError
from bidl_sim.typing import Array, Shape

if TYPE_CHECKING:
    from torch import Tensor


class Multiply(Process):
    """``a_out = s_in gate``: a gate lets more or less of a signal through.

    Parameters
    ----------
    per : "value", "channel" or "frame"
        How many gates there are: one for each value of ``s_in``, one for each channel, which holds
        for all of its places, or a single one.

    Ports
    -----
    s_in, a_out : any shape, the first axis is the channel
    gate : the shape of ``s_in``, ``(channel,)`` or ``(1,)``
    """

    per: Choice = Choice(("value", "channel", "frame"), "value")

    s_in = In()
    gate = In()
    a_out = Out()

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        given, gate = inputs.get("s_in"), inputs.get("gate")
        if given is None:
            return None
        if gate is None:
            return {"a_out": given}
        wanted = self.gates(given.shape)
        if gate.shape != wanted:
            raise ShapeError(
                f"{self.where}, gate",
                f"must have shape {wanted}, one gate per {self.per} of {given.shape}; "
                f"receives {gate.shape}",
            )
        return {"a_out": Signal(given.shape, timed=given.timed or gate.timed)}

    def gates(self, shape: Shape) -> Shape:
        """The shape of the gate for a signal of ``shape``."""
        return {"value": shape, "channel": shape[:1], "frame": (1,)}[self.per]

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Product:
        axes = ascii_lowercase[: len(signal.shape)]
        gate = {"value": axes, "channel": axes[0], "frame": "z"}[self.per]
        return Product(Equation(axes, gate, axes))

    def step(self, s_in: Tensor, gate: Tensor) -> Tensor:
        return s_in * gate.reshape(*gate.shape, *(1,) * (s_in.dim() - gate.dim()))
