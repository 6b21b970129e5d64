"""Plain-text tables for terminals."""

from __future__ import annotations

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], left: int, totals: bool = False) -> str:
    """Rows under a header with a rule; the first ``left`` columns lean left, the others right.

    With ``totals`` a second rule stands above the last row.
    """
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if k < left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    rule = "-" * max(len(line) for line in lines)
    lines.insert(1, rule)
    if totals:
        lines.insert(-1, rule)
    return "\n".join(lines)
