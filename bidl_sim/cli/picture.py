"""The picture of the demo: what came in, what fired, and how the decision grew."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bidl_sim import netx, plots
from bidl_sim.errors import MissingExtraError
from bidl_sim.simulator import Simulator
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FRAMES_SHOWN = 8


def draw(model: Path, frames: Array, label: str, classes: tuple[str, ...], picture: Path) -> None:
    """Simulate one recording with probes and draw events, spikes, membranes and output."""
    try:
        import matplotlib as mpl
    except ImportError:
        raise MissingExtraError("the picture", "matplotlib", "plot") from None
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    simulator = Simulator(netx.load(model))
    early, late = simulator.probe("lif1.s_out"), simulator.probe("lif3.s_out")
    potential, scores = simulator.probe("lif3.v"), simulator.probe("timemean1.a_out")
    said = classes[int(simulator.run(frames).argmax())]
    print(f"a hand moving {label}; the network says {said}")

    figure = plt.figure(figsize=(10, 8.2), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(1, 3.6))
    strip, panels = parts
    strip.suptitle(f"what the camera sees: a hand moving {label}", fontsize=11, x=0.01, ha="left")
    steps = np.linspace(0, len(frames) - 1, FRAMES_SHOWN).astype(int)
    for ax, step in zip(strip.subplots(1, FRAMES_SHOWN), steps, strict=True):
        balance = frames[step, 1].astype(int) - frames[step, 0]
        ax.imshow(balance, cmap="RdBu_r", vmin=-2.5, vmax=2.5)
        ax.set(xticks=[], yticks=[])
        ax.set_title(f"step {step}", fontsize=8)
    (one, two), (three, four) = panels.subplots(2, 2)

    plots.raster(early.data, early.steps, one)
    _title(one, "spikes of lif1, 12x14x14 neurons")
    plots.raster(late.data, late.steps, two)
    _title(two, "spikes of lif3, 64 neurons")

    now_and_then = np.argsort(np.abs(late.data.sum(0) - 4))[:3]
    plots.trace(potential.data[:, now_and_then], potential.steps, three, threshold=1.0)
    for neuron, color in zip(now_and_then, plots.COLORS, strict=False):
        at = np.flatnonzero(late.data[:, neuron])
        three.plot(at, np.full(len(at), 1.25), "|", color=color, markersize=9)
    _title(three, "potential of three of them, and when they fire")

    plots.trace(scores.data, scores.steps, four)
    heights = _apart(scores.data[-1], np.ptp(scores.data) / 20)
    for name, height in zip(classes, heights, strict=True):
        weight = "bold" if name == said else "normal"
        end = (len(frames) - 1, height)
        four.annotate(f" {name}", end, va="center", fontsize=8, weight=weight)
    _title(four, "mean output so far: the decision")
    figure.savefig(picture, dpi=130)
    plt.close(figure)


def _title(ax: Axes, text: str) -> None:
    ax.set_title(text, loc="left", fontsize=10)


def _apart(values: Array, gap: float) -> Array:
    """The values moved up until no two are nearer than ``gap``, for labels that do not overlap."""
    moved = values.astype(float).copy()
    order = np.argsort(values)
    for lower, upper in pairwise(order):
        moved[upper] = max(moved[upper], moved[lower] + gap)
    return moved
