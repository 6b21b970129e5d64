"""Pictures of what a network did and is; every function draws on an Axes and returns it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bidl_sim.errors import MissingExtraError, ShapeError
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bidl_sim.core.network import Network

INK = "#1f2933"
COLORS = ("#2f6f9f", "#d1495b", "#3d8b6d", "#c98b2b", "#6d5a9c", "#5b6770")


def raster(
    spikes: Array, steps: Array | None = None, ax: Axes | None = None, color: str = INK
) -> Axes:
    """A dot for every spike: time to the right, neurons upwards.

    ``spikes`` is ``(time, ...)``; neurons on several axes are numbered with the last one fastest.
    """
    ax = _axes(ax)
    flat = _flat(spikes)
    at, neuron = np.nonzero(flat)
    at = at if steps is None else np.asarray(steps)[at]
    size = float(np.clip(2000 / max(flat.shape[1], 1), 0.3, 12))
    ax.scatter(
        at, neuron, s=size, marker="|" if flat.shape[1] < 60 else ".", color=color, linewidths=0.8
    )
    ax.set(xlabel="step", ylabel="neuron", ylim=(-0.5, flat.shape[1] - 0.5))
    _bare(ax)
    return ax


def trace(
    values: Array,
    steps: Array | None = None,
    ax: Axes | None = None,
    threshold: float | None = None,
) -> Axes:
    """A line for every neuron over time; ``values`` is ``(time, ...)``."""
    ax = _axes(ax)
    flat = _flat(values)
    at = np.arange(len(flat)) if steps is None else np.asarray(steps)
    for k in range(flat.shape[1]):
        ax.plot(at, flat[:, k], color=COLORS[k % len(COLORS)], linewidth=1.2)
    if threshold is not None:
        ax.axhline(threshold, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        ax.text(
            1.0,
            threshold,
            " threshold",
            transform=ax.get_yaxis_transform(),
            va="center",
            fontsize=8,
        )
    ax.set(xlabel="step", ylabel="value")
    _bare(ax)
    return ax


def rate(
    spikes: Array, steps: Array | None = None, ax: Axes | None = None, window: int = 5
) -> Axes:
    """Mean spikes per neuron and step, averaged over ``window`` steps."""
    ax = _axes(ax)
    flat = _flat(spikes)
    mean = flat.mean(1)
    width = min(window, len(mean))
    smooth = np.convolve(mean, np.ones(width) / width, "same")
    at = np.arange(len(mean)) if steps is None else np.asarray(steps)
    ax.fill_between(at, smooth, color=COLORS[0], alpha=0.25, linewidth=0)
    ax.plot(at, smooth, color=COLORS[0], linewidth=1.2)
    ax.set(xlabel="step", ylabel="spikes per neuron and step", ylim=(0, None))
    _bare(ax)
    return ax


def network(net: Network, ax: Axes | None = None) -> Axes:
    """Processes as boxes in order of execution, connections as arrows, delays beside them."""
    from bidl_sim.core.schedule import schedule

    ax = _axes(ax)
    circuit = net.build()
    column = _columns(circuit.edges, [p for s in schedule(circuit, "timestep") for p in s.paths])
    rows: dict[int, int] = {}
    place: dict[str, tuple[float, float]] = {}
    for path, x in column.items():
        rows[x] = rows.get(x, 0) + 1
        place[path] = (float(x), 1.0 - rows[x])
    for edge in circuit.edges:
        bend = 0.45 if column[edge.target] <= column[edge.source] else 0.0
        style = {
            "arrowstyle": "-|>",
            "color": COLORS[1] if edge.delay else INK,
            "connectionstyle": f"arc3,rad={bend}",
            "shrinkA": 26,
            "shrinkB": 26,
        }
        ax.annotate("", place[edge.target], place[edge.source], arrowprops=style)
        if edge.delay:
            (x0, y0), (x1, y1) = place[edge.source], place[edge.target]
            top = ((x0 + x1 + bend * (y1 - y0)) / 2, (y0 + y1 - bend * (x1 - x0)) / 2 + 0.05)
            note = f"delay {edge.delay}"
            ax.annotate(note, top, ha="center", va="bottom", fontsize=7, color=COLORS[1])
    for path, centre in place.items():
        process = circuit.processes[path]
        port = next(iter((*process.out_specs, *process.in_specs)))
        shape = "x".join(map(str, circuit.signals[f"{path}.{port}"].shape))
        text = f"{path}\n{type(process).__name__}\n{shape}"
        box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": INK}
        ax.text(*centre, text, ha="center", va="center", fontsize=7, bbox=box)
    xs, ys = zip(*place.values(), strict=True)
    ax.set(xlim=(min(xs) - 0.6, max(xs) + 0.6), ylim=(min(ys) - 0.8, max(ys) + 0.8))
    ax.set_aspect("equal", adjustable="datalim")
    ax.axis("off")
    return ax


def recording(values: Array, steps: Array, title: str, ax: Axes | None = None) -> Axes:
    """A raster if all values are 0 or 1, traces of the first neurons otherwise."""
    if values.size and np.all((values == 0) | (values == 1)):
        ax = raster(values, steps, ax)
    else:
        ax = trace(_flat(values)[:, : len(COLORS)], steps, ax)
    ax.set_title(title, loc="left", fontsize=9)
    return ax


def _columns(edges: Any, order: list[str]) -> dict[str, int]:
    """The longest way from a source along connections that lead forward."""
    column = dict.fromkeys(order, 0)
    rank = {path: k for k, path in enumerate(order)}
    for path in order:
        before = [
            column[e.source] + 1 for e in edges if e.target == path and rank[e.source] < rank[path]
        ]
        column[path] = max(before, default=0)
    return column


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise MissingExtraError("plotting", "matplotlib", "plot") from None
    return plt.gca()


def _flat(values: Array) -> Array:
    array = np.asarray(values)
    if array.ndim < 1:
        raise ShapeError("plot", f"takes values (time, ...), got shape {array.shape}")
    return array.reshape(len(array), -1)


def _bare(ax: Axes) -> None:
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
