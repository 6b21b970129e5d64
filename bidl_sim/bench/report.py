"""What was measured, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bidl_sim.bench.peers.entrant import ABSENT
from bidl_sim.table import table

Row = dict[str, Any]
SIMULATION = (
    "simulation", "neurons", "synapses", "build", "compile", "run", "us/step", "limit", "ratio",
    "spikes", "Hz",
)  # fmt: skip
TRAINING = ("training step", "first", "median", "limit", "ratio", "MB")


def report(rows: Sequence[Row]) -> str:
    """A table of simulations and one of training steps; peers stand under each work."""
    parts = []
    if simulated := [r for r in rows if "us_per_step" in r]:
        lines = [[*SIMULATION]]
        for row in simulated:
            lines += [_simulation(row), *(_simulator(row, peer) for peer in _present(row))]
        parts.append(table(lines, left=1))
    for row in (r for r in rows if "targets" in r):
        parts.append(_latencies(row))
    if trained := [r for r in rows if "limit_s" in r and "us_per_step" not in r]:
        lines = [[*TRAINING]]
        for row in trained:
            lines += [_training(row), *(_trainer(peer) for peer in _present(row))]
        parts.append(table(lines, left=1))
    if any("peers" in r for r in rows):
        parts.append("\n".join(_notes(rows)))
    return "\n\n".join(parts)


def _latencies(row: Row) -> str:
    lines = [["one frame, one sample", "median", "99 %"]]
    for found in row["targets"]:
        times = [found.get("median_us"), found.get("p99_us")]
        lines.append([found["target"], *("-" if us is None else f"{us:,.0f} us" for us in times)])
    notes = [f"{r['target']}: {r['note']}" for r in row["targets"] if "note" in r]
    return "\n".join([table(lines, left=1), *notes])


def _simulation(row: Row) -> list[str]:
    counts = (f"{row['neurons']:,}", f"{row['synapses']:,}")
    times = (_seconds(row[k]) for k in ("build_s", "compile_s", "seconds"))
    limit = (f"{row['us_per_step']:.1f}", _seconds(row["limit_s"]))
    rest = (f"{row['ratio_to_limit']:.2f}", f"{row['spikes']:,}", f"{row['rate_hz']:.2f}")
    return [row["work"], *counts, *times, *limit, *rest]


def _simulator(row: Row, peer: Row) -> list[str]:
    if peer["seconds"] is None:
        return [_name(peer), *["", "", "", "", "-", "", "", "", "", ""]]
    per_step = f"{1e6 * peer['seconds'] / row['steps']:.1f}"
    times = (_seconds(peer["compile_s"]), _seconds(peer["seconds"]), per_step)
    rest = (f"{peer['ratio_to_ours']:.2f}", f"{peer['spikes']:,}", "")
    return [_name(peer), "", "", "", *times, "", *rest]


def _training(row: Row) -> list[str]:
    times = (_seconds(row[k]) for k in ("compile_s", "seconds", "limit_s"))
    return [row["work"], *times, f"{row['ratio_to_limit']:.2f}", _memory(row)]


def _trainer(peer: Row) -> list[str]:
    if peer["seconds"] is None:
        return [_name(peer), "", "-", "", "", ""]
    times = (_seconds(peer["compile_s"]), _seconds(peer["seconds"]))
    return [_name(peer), *times, "", f"{peer['ratio_to_ours']:.2f}", _memory(peer)]


def _present(row: Row) -> list[Row]:
    return [peer for peer in row.get("peers", ()) if peer["note"] != ABSENT]


def _name(peer: Row) -> str:
    return f"  {peer['peer']} {peer['version'] or ''}".rstrip()


def _seconds(value: float) -> str:
    return f"{value:.3f} s"


def _memory(row: Row) -> str:
    return "" if row["peak_memory_mb"] is None else f"{row['peak_memory_mb']:.0f}"


def _notes(rows: Sequence[Row]) -> list[str]:
    """What the ratios mean, how peers differ, who could not, and who is not here."""
    lines = ["ratio: our time to the limit's, a peer's time to ours"]
    for row in rows:
        lines += [
            f"{row['work']}, {peer['peer']}: {peer['note']}"
            for peer in _present(row)
            if peer["note"]
        ]
    absent = {p["peer"]: None for r in rows for p in r.get("peers", ()) if p["note"] == ABSENT}
    if absent:
        lines.append(f"{ABSENT}: {', '.join(absent)}; pip install 'bidl_sim[bench]'")
    return lines
