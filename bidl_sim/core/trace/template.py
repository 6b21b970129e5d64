"""Source text from a template and statements."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import indent


def filled(template: str, **parts: Iterable[str]) -> str:
    """A template with each ``{part}`` replaced by its statements, indented as it stands."""
    written = []
    for line in template.strip("\n").splitlines():
        bare = line.strip()
        if bare.startswith("{") and bare.endswith("}"):
            statements = "\n".join(parts[bare[1:-1]])
            if statements:
                written.append(indent(statements, line[: len(line) - len(bare)]))
        else:
            written.append(line.format(**{name: " ".join(part) for name, part in parts.items()}))
    return "\n".join(written) + "\n"
