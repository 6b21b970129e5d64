"""One module that becomes a process, and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

import numpy as np

from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.typing import Array, Shape


@dataclass(frozen=True)
class Module:
    """A torch module, its place for messages, and the shape of what it takes, if that is known."""

    torch: Any
    where: str
    shape: Shape | None

    def array(self, name: str) -> Array:
        """A tensor or a number that the module holds."""
        return as_array(getattr(self.torch, name))

    def plainly(self, **wanted: Any) -> None:
        """Refuse a module whose options are others, where it has them."""
        for name, value in wanted.items():
            found = getattr(self.torch, name, value)
            if found is not value and found != value:
                self.refuse(name, f"is {found!r}, which no process does", f"use {value!r}")

    def refuse(self, name: str, problem: str, help: str = "") -> NoReturn:
        """Raise an error that names an attribute of the module."""
        raise ParameterError(f"{self.where}, {name}", problem, help)


Reader: TypeAlias = Callable[[Module], "Process | None"]
"""The process that a module is; None for one that does nothing."""


def as_array(value: Any) -> Array:
    """The numbers of a tensor, or of what Python says."""
    if not hasattr(value, "detach"):
        return np.asarray(value)
    tensor = value.detach().cpu()
    is_known = "bfloat16" not in str(tensor.dtype)  # numpy has none
    return np.asarray((tensor if is_known else tensor.float()).numpy())
