"""Names, numbers and texts as C++ writes them."""

from __future__ import annotations

import math
import re

import numpy as np

TYPES = {"int": "std::int64_t", "bool": "bool"}
"""By kind; of a float it is the program's."""
FORMATS = {"float32": "float", "float64": "double"}
"""Of floats."""
STORED = {**FORMATS, "int64": "std::int64_t", "int32": "std::int32_t", "bool": "bool"}
"""Of arrays."""


TAKEN = (
    *("cmp_and_fire", "reset_with_decay", "floor_divide"),
    *("sparse_linear", "conv_transpose", "avg_pool", "max_pool"),
)
"""Names of functions that a tensor could have."""


class Names:
    """An identifier for each name: ``lif1.s_out`` is ``lif1_s_out``, and no two are the same.

    A name without a member, as of a sink, is one that C++ might use itself; it gets one.
    """

    def __init__(self) -> None:
        self._given: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._given:
            whole = name if "." in name else f"{name}.out"
            plain = re.sub(r"[^A-Za-z0-9]+", "_", whole).strip("_")
            plain = plain if plain[:1].isalpha() else f"n{plain}"
            taken, found, count = {*TAKEN, *self._given.values()}, plain, 1
            while found in taken:
                count += 1
                found = f"{plain}_{count}"
            self._given[name] = found
        return self._given[name]


def number(value: object, kind: str, dtype: str) -> str:
    """A literal: the shortest that is read back as the same number."""
    if kind == "bool":
        return "true" if value else "false"
    if kind == "int":
        whole = int(value)  # type: ignore[call-overload]
        if whole == -(2**63):  # the minus is no part of a literal
            return f"({whole + 1} - 1)"
        return f"({whole})" if whole < 0 else f"{whole}"
    real = np.dtype(dtype).type(value)
    if not math.isfinite(real):
        limits = f"std::numeric_limits<{FORMATS[dtype]}>"
        found = f"{limits}::quiet_NaN()" if math.isnan(real) else f"{limits}::infinity()"
        return f"(-{found})" if real < 0 else found
    written = str(real)
    written = written if re.search("[.e]", written) else f"{written}.0"
    written += "f" if dtype == "float32" else ""
    return f"({written})" if written.startswith("-") else written


def text(value: str) -> str:
    """A string in quotes; what is no plain letter is written byte by byte."""
    plain = (chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}" for b in value.encode())
    return f'"{"".join(plain)}"'


def comment(*lines: str, indent: str = "") -> list[str]:
    """Lines of comment; a backslash at the end would swallow the next."""
    shown = ("".join(c if c.isprintable() else " " for c in line) for line in lines)
    return [f"{indent}// {line}".rstrip(" \\") for line in shown]
