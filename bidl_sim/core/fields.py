"""Checked attributes of a process: converted and validated whenever they are set.

A process is a dataclass whose fields are these descriptors, so that a wrong argument is refused
where it is given, with the process and the attribute named. *Options* (`Int`, `Choice`, ...) are
plain Python values that shape the process; a `Param` is an array that an engine computes with.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterable
from typing import Any, Generic, TypeAlias, TypeVar

from bidl_sim.errors import ParameterError
from bidl_sim.typing import Shape

Given = TypeVar("Given")
Kept = TypeVar("Kept")


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Any = _Required()


class Field(Generic[Given, Kept]):
    """Base of the descriptors: subclasses say how a given value becomes the kept one."""

    name: str

    def __init__(self, default: Any = REQUIRED) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, obj: Any, owner: type | None = None) -> Kept:
        if obj is None:  # the dataclass machinery asks the class for the default
            if self.default is REQUIRED:
                raise AttributeError(self.name)
            return self.default  # type: ignore[no-any-return]  # a default is given unconverted
        return obj.__dict__[self.name]  # type: ignore[no-any-return]  # stored by __set__

    def __set__(self, obj: Any, value: Given) -> None:
        obj.__dict__[self.name] = self.convert(f"{obj.where}, {self.name}", value)

    def convert(self, where: str, value: Given) -> Kept:
        """The value to keep, or a `ParameterError` that names ``where``."""
        raise NotImplementedError


MOST = 2**31 - 1
"""The largest whole number that an option takes."""
LARGEST = 3.4028234663852886e38
"""The largest number that float32 holds; beyond it, a run in float32 would begin with infinity."""


def as_int(where: str, value: object, low: int, high: int | None = None) -> int:
    """``value`` as a whole number in [low, high]; floats and booleans are refused."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]  # the TypeError is the check
    except TypeError:
        raise ParameterError(where, f"must be a whole number, got {value!r}") from None
    if number < low:
        raise ParameterError(where, f"must be at least {low}, got {number}")
    if high is not None and number > high:
        raise ParameterError(where, f"must be at most {high}, got {number}")
    return number


class Int(Field[int, int]):
    """A whole number in ``[low, high]``."""

    def __init__(self, default: Any = REQUIRED, *, low: int = 1, high: int = MOST) -> None:
        super().__init__(default)
        self.low, self.high = low, high

    def convert(self, where: str, value: int) -> int:
        return as_int(where, value, self.low, self.high)


class Real(Field[float, float]):
    """A finite number within ``[low, high]``; ``positive`` excludes zero."""

    def __init__(
        self,
        default: Any = REQUIRED,
        *,
        low: float = -math.inf,
        high: float = math.inf,
        positive: bool = False,
    ) -> None:
        super().__init__(default)
        self.low, self.high, self.positive = low, high, positive

    def convert(self, where: str, value: float) -> float:
        given: Any = value
        if getattr(given, "shape", None) == ():  # one number of numpy or torch
            given = given.item()
        if isinstance(given, bool) or not isinstance(given, numbers.Real):
            raise ParameterError(where, f"must be a number, got {value!r}")
        try:
            number = float(given)
        except OverflowError:
            number = math.inf
        if not abs(number) <= LARGEST:
            raise ParameterError(where, f"must be finite (up to {LARGEST:.2g}), got {number:g}")
        if self.positive and number <= 0:
            raise ParameterError(where, f"must be > 0, got {number}")
        if not self.low <= number <= self.high:
            raise ParameterError(where, f"must be in [{self.low:g}, {self.high:g}], got {number}")
        return number


class Flag(Field[bool, bool]):
    """True or False, nothing else."""

    def convert(self, where: str, value: bool) -> bool:
        if not isinstance(value, bool):
            raise ParameterError(where, f"must be True or False, got {value!r}")
        return value


class Choice(Field[str, str]):
    """One of a few names."""

    def __init__(self, choices: Iterable[str], default: Any = REQUIRED) -> None:
        super().__init__(default)
        self.choices = tuple(choices)

    def convert(self, where: str, value: str) -> str:
        if not isinstance(value, str) or value not in self.choices:
            known = ", ".join(repr(c) for c in self.choices)
            raise ParameterError(where, f"must be one of {known}, got {value!r}")
        return value


class Pair(Field["int | tuple[int, int]", "tuple[int, int]"]):
    """Two whole numbers (height, width); one number stands for both."""

    def __init__(self, default: Any = REQUIRED, *, low: int = 1) -> None:
        super().__init__(default)
        self.low = low

    def convert(self, where: str, value: int | tuple[int, int]) -> tuple[int, int]:
        given = value if isinstance(value, (tuple, list)) else (value, value)
        if len(given) != 2:
            raise ParameterError(where, f"must be one number or two (height, width), got {value!r}")
        height, width = (as_int(where, axis, self.low, MOST) for axis in given)
        return height, width


class Dims(Field["int | Iterable[int]", Shape]):
    """A shape without batch and time; a single number stands for a flat one."""

    def convert(self, where: str, value: int | Iterable[int]) -> Shape:
        given = tuple(value) if isinstance(value, (tuple, list)) else (value,)
        if not given:
            raise ParameterError(where, "must have at least one axis, got ()")
        return tuple(as_int(where, axis, 1, MOST) for axis in given)


class Name(Field[str, str]):
    """The name of a process within its network."""

    def convert(self, where: str, value: str) -> str:
        if not isinstance(value, str) or not value or len(value) > 200:
            raise ParameterError(where, f"must be a string of 1 to 200 characters, got {value!r}")
        if "/" in value or value.strip(".") == "" or not value.isprintable():
            raise ParameterError(where, f"must be printable, without '/' or only dots: {value!r}")
        return value


class Maybe(Field["Given | None", "Kept | None"], Generic[Given, Kept]):
    """What another field takes, or None."""

    def __init__(self, field: Field[Given, Kept]) -> None:
        super().__init__(None)
        self._field = field

    def convert(self, where: str, value: Given | None) -> Kept | None:
        return None if value is None else self._field.convert(where, value)


MaybeInt: TypeAlias = Maybe[int, int]
MaybePair: TypeAlias = Maybe["int | tuple[int, int]", "tuple[int, int]"]
MaybeDims: TypeAlias = Maybe["int | Iterable[int]", Shape]
MaybeChoice: TypeAlias = Maybe[str, str]
MaybeName: TypeAlias = Maybe[str, str]
