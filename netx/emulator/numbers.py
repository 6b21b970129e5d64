"""How the contract emulator rounds: the format of every result, and how sums are held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bidl_sim.errors import FormatError, ParameterError
from bidl_sim.netx.step.graph import Tensor
from bidl_sim.typing import Array

FORMATS = ("float16", "float32", "float64")


@dataclass(frozen=True)
class Numbers:
    """Formats of a chip's numbers. What is public says 16-bit floats, and no more.

    Parameters
    ----------
    dtype : "float16", "float32" or "float64"
        Every operation's result is rounded to it, to the nearest and of two the even one. Default
        float16; the others are for comparison.
    accumulate : "float32", "float16" or "float64"
        The format in which a synapse, a pool or a mean adds up before its result is rounded.
        Float16 rounds after each product that is added, in the order of the inputs. A chip's is not
        known; default float32. Never narrower than ``dtype``.
    pfit_window
        Whether ``reset_with_decay`` takes a potential of -100 or below for one that fired, as the
        constants that the vendor's compiler hands to its piecewise fit suggest. Default no.
    """

    dtype: str = "float16"
    accumulate: str = "float32"
    pfit_window: bool = False

    def __post_init__(self) -> None:
        for name in ("dtype", "accumulate"):
            given = getattr(self, name)
            if given not in FORMATS:
                where = f"emulator, {name}"
                raise ParameterError(where, f"must be one of {', '.join(FORMATS)}, got {given!r}")

    @property
    def float(self) -> np.dtype:
        """The format of what is no whole number and no truth value."""
        return np.dtype(self.dtype)

    @property
    def wide(self) -> np.dtype:
        """The format of sums."""
        return np.promote_types(self.dtype, self.accumulate)

    def of(self, kind: str) -> np.dtype:
        """The format of a kind of values; whole numbers stay whole."""
        return {"float": self.float, "int": np.dtype(np.int64), "bool": np.dtype(bool)}[kind]

    def constant(self, x: Tensor) -> Array:
        """A constant, rounded; one that the format cannot hold is refused."""
        assert x.value is not None
        return self.rounded(x.name, x.value, x.kind)

    def rounded(self, name: str, value: Array, kind: str) -> Array:
        """An array in the format of its kind, refused if that is too small for it."""
        with np.errstate(over="ignore"):
            given = np.asarray(value).astype(self.of(kind))
        if kind == "float" and np.isinf(given).any() and not np.isinf(value).any():
            largest = np.abs(value).max()
            raise FormatError(name, f"holds numbers that {self.dtype} cannot, such as {largest}")
        return given

    def products(
        self, weight: Array, columns: Array, bias: Array | None = None, over: int = 1
    ) -> Array:
        """``(weight @ columns + bias) / over`` as one operation, rounded at the end.

        ``weight`` is ``(..., outputs, inputs)``, ``columns`` ``(batch, ..., inputs, places)``,
        ``bias`` ``(..., outputs, 1)``. A sample's sums don't depend on the others in its batch.
        """
        weight, columns = (
            weight.astype(self.wide, copy=False),
            columns.astype(self.wide, copy=False),
        )
        if self.wide == np.float16:
            total = self._one_by_one(weight, columns)
        else:
            total = weight @ np.ascontiguousarray(columns)
        if bias is not None:
            total = total + bias.astype(self.wide)
        return (total if over == 1 else total / self.wide.type(over)).astype(self.float)

    def _one_by_one(self, weight: Array, columns: Array) -> Array:
        """Add product after product, each time rounded; the product itself is exact."""
        outputs, inputs = weight.shape[-2:]
        total = np.zeros((*columns.shape[:-2], outputs, columns.shape[-1]), np.float16)
        for k in range(inputs):
            product = weight[..., k, None].astype(np.float32) * columns[..., k : k + 1, :]
            total = (total + product).astype(np.float16)
        return total
