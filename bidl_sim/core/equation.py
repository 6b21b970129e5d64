"""Products of two arrays, said in letters as torch's ``einsum`` says them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.typing import Array, Shape


@dataclass(frozen=True)
class Equation:
    """Which values are multiplied and which products are summed: ``"ik,kj->ij"``.

    Each letter is an axis; one that is not behind the arrow is summed over. Batch and time have
    no letter.
    """

    first: str
    second: str
    out: str

    @classmethod
    def parse(cls, where: str, text: object) -> Equation:
        """The equation that ``text`` says; `ParameterError` if it says none."""
        terms = re.fullmatch(r"([a-z]+),([a-z]+)->([a-z]+)", text) if type(text) is str else None
        if terms is None:
            raise ParameterError(where, f"must be like 'ik,kj->ij', got {text!r}")
        equation = cls(*terms.groups())
        for term in terms.groups():
            if len(set(term)) < len(term):
                raise ParameterError(where, f"has a letter twice in {term!r} of {text!r}")
        if unknown := set(equation.out) - {*equation.first, *equation.second}:
            raise ParameterError(where, f"{min(unknown)!r} of {text!r} is in neither input")
        return equation

    def __str__(self) -> str:
        return f"{self.first},{self.second}->{self.out}"

    def sizes(self, where: str, first: Shape, second: Shape) -> dict[str, int]:
        """The size of each axis; `ShapeError` if the two shapes do not fit."""
        found: dict[str, int] = {}
        for term, shape in ((self.first, first), (self.second, second)):
            if len(term) != len(shape):
                raise ShapeError(where, f"{term!r} of {self} has not the axes of the input {shape}")
            for letter, size in zip(term, shape, strict=True):
                if found.setdefault(letter, size) != size:
                    raise ShapeError(
                        where,
                        f"{letter!r} of {self} is {found[letter]} in one input, {size} in the other"
                        f" (shapes {first} and {second})",
                    )
        return found

    def products(self, where: str, first: Shape, second: Shape) -> tuple[str, Shape]:
        """One letter for each axis of all products, those that are summed last, and their sizes."""
        sizes = self.sizes(where, first, second)
        letters = self.out + "".join(n for n in sizes if n not in self.out)
        return letters, tuple(sizes[n] for n in letters)

    def places(self, where: str, first: Shape, second: Shape) -> tuple[Array, Array, int]:
        """Flat places of both factors of every product, and how many products an output sums."""
        letters, sizes = self.products(where, first, second)
        found = []
        for term, shape in ((self.first, first), (self.second, second)):
            axes = np.arange(math.prod(shape), dtype=np.int32).reshape(shape)
            inside = [n for n in letters if n in term]
            seen = axes.transpose([term.index(n) for n in inside])
            seen = seen.reshape(
                [s if n in term else 1 for n, s in zip(letters, sizes, strict=True)]
            )
            found.append(np.broadcast_to(seen, sizes).ravel())
        return found[0], found[1], math.prod(sizes[len(self.out) :])
