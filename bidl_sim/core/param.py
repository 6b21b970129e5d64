"""Parameters: arrays with a domain, fixed, learned by gradient, or initialised at build."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bidl_sim.core.fields import LARGEST, Field
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.typing import Array, Shape


@dataclass(frozen=True)
class Domain:
    """An interval of numbers; ``open_low`` leaves its lower end out."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False

    def __str__(self) -> str:
        if self.open_low:
            return f"> {self.low:g}"
        return f">= {self.low:g}" if self.high == math.inf else f"in [{self.low:g}, {self.high:g}]"

    def check(self, where: str, value: Array) -> None:
        """Refuse values that are not finite or lie outside."""
        wrong = ~(np.abs(value) <= np.float32(LARGEST))
        wanted = f"finite (up to {LARGEST:.2g})"
        if not np.any(wrong):
            too_low = value <= self.low if self.open_low else value < self.low
            wrong, wanted = too_low | (value > self.high), str(self)
        if np.any(wrong):
            raise ParameterError(where, f"must be {wanted}, got {_first(value, wrong)}")

    @property
    def closed(self) -> tuple[float, float]:
        """The interval that a learned value is kept in; an open end is approached to 1e-6."""
        return (self.low + 1e-6 if self.open_low else self.low), self.high


REAL = Domain()
UNIT = Domain(0.0, 1.0)
POSITIVE = Domain(0.0, open_low=True)
NON_NEGATIVE = Domain(0.0)


class Param(Field["ArrayLike | None", Array]):
    """An array that an engine computes with.

    Parameters
    ----------
    default
        The value taken when none is given. ``None`` means: initialised when the network is built.
    within
        The domain, checked on every assignment and kept during training.
    learned
        Whether training changes it unless the process's ``learn`` says otherwise.
    learnable
        False for running statistics, which training updates but no gradient reaches.
    optional
        Whether ``False`` may be given to leave the parameter out (``bias=False``).
    may_be_empty
        Whether an array without values is one.
    structural
        Whether states are made to fit it, so that it stays as it is in a simulation.
    whole
        Holds whole numbers, such as indices; an engine keeps them as integers.
    below
        The parameter of a population that this one must stay under, neuron by neuron.
    """

    def __init__(
        self,
        default: ArrayLike | None,
        *,
        within: Domain = REAL,
        learned: bool = False,
        learnable: bool = True,
        optional: bool = False,
        may_be_empty: bool = False,
        structural: bool = False,
        whole: bool = False,
        below: str | None = None,
    ) -> None:
        super().__init__(default)
        self.within = within
        self.learned = learned
        self.learnable = learnable
        self.optional = optional
        self.may_be_empty = may_be_empty
        self.structural = structural
        self.whole = whole
        self.below = below

    def __set__(self, obj: Any, value: ArrayLike | None) -> None:
        leaves_out = self.optional and value is False
        super().__set__(obj, None if self.optional and isinstance(value, bool) else value)
        left_out: set[str] = obj.__dict__.setdefault("left_out", set())
        (left_out.add if leaves_out else left_out.discard)(self.name)

    def convert(self, where: str, value: ArrayLike | None) -> Array:
        if value is None and (self.default is None or self.optional):
            return None  # type: ignore[return-value]  # an array from the build on
        array = as_whole_array(where, value) if self.whole else as_float_array(where, value)
        if not array.size and not self.may_be_empty:
            raise ParameterError(where, f"must hold numbers, is empty of shape {array.shape}")
        self.within.check(where, array)
        return array


def check_spread(where: str, value: Array, neurons: Shape) -> None:
    """Refuse what is neither one number, nor one for each channel, nor one for each neuron."""
    if value.shape not in ((), neurons[:1], neurons):
        raise ShapeError(
            where,
            f"must be one number, of shape {neurons[:1]} (per channel) or {neurons} "
            f"(per neuron), got {value.shape}",
        )


def check_below(where: str, value: Array, name: str, limit: Array, neurons: Shape | None) -> None:
    """Refuse a value that is not below that of ``name``, neuron by neuron."""
    value, limit = side_by_side(value, limit, neurons)
    wrong = value >= limit
    if np.any(wrong):
        given, wanted = _first(value, wrong), limit[wrong][0]
        raise ParameterError(where, f"must be below {name} = {wanted:g}, got {given}")


def side_by_side(one: Array, two: Array, neurons: Shape | None) -> tuple[Array, Array]:
    """Two parameters of a population in one shape.

    Where ``neurons`` are not known yet, and the shapes are two, there is nothing to compare.
    """
    if neurons is not None:
        one, two = (x.reshape(spread_view(x.shape, neurons)) for x in (one, two))
    elif one.ndim and two.ndim and one.shape != two.shape:
        return np.zeros(0), np.zeros(0)
    one, two = np.broadcast_arrays(one, two)
    return one, two


def spread_view(shape: Shape, neurons: Shape) -> Shape:
    """The shape in which such a value broadcasts over the neurons."""
    return shape if shape in ((), neurons) else shape + (1,) * (len(neurons) - 1)


def as_float_array(where: str, value: object) -> Array:
    """A read-only float array; whole numbers become float64, floats keep their width."""
    tensor: Any = value
    if hasattr(tensor, "detach"):  # from torch, which is not imported here
        tensor = tensor.detach().cpu()
        tensor = (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
    try:
        array = np.array(tensor)
    except (TypeError, ValueError):
        raise ParameterError(where, "must be a number or an array of numbers") from None
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise ParameterError(where, f"must be real numbers, got {_shown(value)}")
    array.setflags(write=False)
    return array


def as_whole_array(where: str, value: object) -> Array:
    """A read-only array of int32 or int64; other whole numbers become int64."""
    if isinstance(value, np.ndarray) and value.dtype in (np.int32, np.int64):
        array: Array = value.copy()
    else:
        floats = as_float_array(where, value)
        wrong = ~((np.abs(floats) < 2**53) & (floats == np.round(floats)))
        if np.any(wrong):
            raise ParameterError(where, f"must be whole numbers, got {_first(floats, wrong)}")
        array = floats.astype(np.int64)
    array.setflags(write=False)
    return array


def _first(value: Array, wrong: Array) -> str:
    """The first wrong number of an array, and where it is."""
    if np.ndim(wrong) == 0:
        return f"{float(value):g}"
    place = tuple(int(k) for k in np.argwhere(wrong)[0])
    return f"{float(value[place]):g} at [{', '.join(map(str, place))}]"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{type(value).__name__}"
