"""Learning rules as Loihi's users write them: ``2^-6*y0*x1 - 2^-7*x0*y1 - 2^-6*u0*w``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from bidl_sim.core.intrinsics import where
from bidl_sim.errors import ParameterError
from bidl_sim.typing import Value

TRACES = ("x1", "x2", "y1", "y2", "y3")
TERM = re.compile(r"[+-]*(?:\([^()]*\)|[*^][+-]?|[^-+*^()])+")
FACTOR = re.compile(r"(?:\([^()]*\)|[^*()])+")
NUMBER = r"(\d{1,9}(?:\.\d{1,15})?)(?:\^([+-]?\d{1,3}))?"


@dataclass(frozen=True)
class Factor:
    """``sign * variable + constant``, or with ``only_sign`` the sign of that."""

    variable: str
    sign: float = 1.0
    constant: float = 0.0
    only_sign: bool = False

    def of(self, value: Value) -> Value:
        """The factor, given the variable's value."""
        value = self.sign * value + self.constant
        if not self.only_sign:
            return value
        return where(value > 0, 1.0, where(value < 0, -1.0, value))


@dataclass(frozen=True)
class Product:
    """``scale`` times the factors, added when ``condition`` holds: x0, y0, u0, u1, ..."""

    scale: float
    condition: str
    factors: tuple[Factor, ...]


@lru_cache
def sum_of_products(place: str, text: str) -> tuple[Product, ...]:
    """The products that ``text`` adds up; `ParameterError` names the term that is wrong."""
    squeezed = re.sub(r"\s+", "", text)
    terms = TERM.findall(squeezed)
    if not terms or "".join(terms) != squeezed:
        raise ParameterError(place, f"must be a sum of products, got {text!r}")
    return tuple(_product(place, term) for term in terms)


def _product(place: str, term: str) -> Product:
    unsigned = term.lstrip("+-")
    scale = (-1.0) ** term[: len(term) - len(unsigned)].count("-")
    conditions, factors = [], []
    found = FACTOR.findall(unsigned)
    if "*".join(found) != unsigned:
        raise ParameterError(place, f"has the term {term!r}, which is no product")
    for text in found:
        number = _number(text)
        if number is not None:
            scale *= number
        elif re.fullmatch(r"x0|y0|u\d", text):
            conditions.append(text)
        else:
            factors.append(_factor(place, term, text))
    if len(conditions) != 1:
        has = f"both {' and '.join(conditions)}" if conditions else "none"
        raise ParameterError(
            place, f"has the term {term!r} with {has} of x0, y0, u0, u1, ...", "it takes one"
        )
    return Product(scale, conditions[0], tuple(factors))


def _number(text: str) -> float | None:
    """The value of ``2``, ``-1``, ``2^-6`` or ``(-1)``; None if it is no number."""
    inner = text[1:-1] if text.startswith("(") else text
    parts = re.fullmatch(rf"([+-]?){NUMBER}", inner)
    if parts is None or (parts[3] and parts[2] != "2"):
        return None
    value = float(parts[2]) ** int(parts[3] or 1)
    return -value if parts[1] == "-" else value


def _factor(place: str, term: str, text: str) -> Factor:
    """A variable, or in brackets, perhaps after ``sgn``, one with a constant added."""
    outer = re.fullmatch(r"(sgn)?\((.*)\)", text)
    parts = TERM.findall(outer[2]) if outer else [text]
    variables = [re.fullmatch(r"([+-]?)([a-z]\d?)", part) for part in parts]
    names = [found for found in variables if found]
    constants = [_constant(part) for part, found in zip(parts, variables, strict=True) if not found]
    whole = "".join(parts) == (outer[2] if outer else text)
    if not whole or len(names) != 1 or len(constants) > 1 or None in constants:
        raise ParameterError(place, f"has the term {term!r}, of which {text!r} is not understood")
    sign, name = names[0].groups()
    if name not in (*TRACES, "w"):
        known = ", ".join((*TRACES, "w"))
        raise ParameterError(
            place, f"has the term {term!r}, of which {name!r} is not known", f"there are {known}"
        )
    constant = float(sum(c for c in constants if c))
    return Factor(name, -1.0 if sign == "-" else 1.0, constant, bool(outer and outer[1]))


def _constant(text: str) -> float | None:
    """The value of ``+3`` or ``-3*2^4``; None if it is no number."""
    value = 1.0
    for part in text.split("*"):
        number = _number(part)
        if number is None:
            return None
        value *= number
    return value
