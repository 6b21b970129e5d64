"""What comments say of a process: its name and options, and the equation of its docstring."""

from __future__ import annotations

import inspect


def heading(path: str, process: object) -> list[str]:
    """Lines about a process."""
    if process is None:
        return [path]
    documented = inspect.getdoc(type(process)) or ""
    first = documented.split("\n\n")[0].replace("\n", " ").rstrip(":")
    return [f"{path}: {first}", *_equation(documented)]


def _equation(documented: str) -> list[str]:
    """The first indented block behind two colons."""
    _, found, rest = documented.partition("::\n\n")
    lines = []
    for line in rest.splitlines() if found else ():
        if line and not line.startswith(" "):
            break
        lines.append(line)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines
