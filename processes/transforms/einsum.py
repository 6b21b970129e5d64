"""Products of two signals, summed over axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bidl_sim.core.equation import Equation
from bidl_sim.core.fields import Field, Real
from bidl_sim.core.forms import Product
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from torch import Tensor


class Letters(Field[str, str]):
    """An equation of two inputs in letters, such as ``"ik,kj->ij"``."""

    def convert(self, where: str, value: str) -> str:
        return str(Equation.parse(where, value))


class Einsum(Process):
    """Sums of products of two inputs, as torch's ``einsum``, times ``scale``.

    ``Einsum("ik,kj->ij")`` is the product of two matrices: ``a_out[i, j] = scale sum_k first[i, k]
    second[k, j]``. Every letter is an axis; batch and time have none. No value is broadcast, and
    no letter stands twice in one term.

    Parameters
    ----------
    equation : str
    scale : default 1

    Ports
    -----
    first, second : the two factors
    a_out : the axes behind the arrow
    """

    equation: Letters = Letters()
    scale: Real = Real(1.0)

    first = In()
    second = In()
    a_out = Out()

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        if len(inputs) < 2:
            return None
        one, two = inputs["first"], inputs["second"]
        equation = Equation.parse(self.where, self.equation)
        sizes = equation.sizes(f"{self.where}, second", one.shape, two.shape)
        shape = tuple(sizes[letter] for letter in equation.out)
        return {"a_out": Signal(shape, timed=one.timed or two.timed)}

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Product:
        return Product(Equation.parse(self.where, self.equation), self.scale)

    def step(self, first: Tensor, second: Tensor) -> Tensor:
        from torch import einsum

        e = Equation.parse(self.where, self.equation)
        return einsum(f"...{e.first},...{e.second}->...{e.out}", first, second) * self.scale
