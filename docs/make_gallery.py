"""Make docs/gallery.md and its pictures: ``python docs/make_gallery.py [Neuron ...]``.

Every registered neuron has a section: its equation, from its docstring, its response to a step
current, and its f-I curve. `SHOWN` says what to show of a neuron; one that is not in it is shown
with the defaults. Given names, only their pictures are drawn.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import bidl_sim.processes as bp
from bidl_sim import Network, Neuron, Simulator
from bidl_sim.core import registry
from bidl_sim.plots import COLORS, INK

HERE = Path(__file__).resolve().parent
PAGE, PICTURES = HERE / "gallery.md", HERE / "gallery"
COMMAND = "python docs/make_gallery.py"

HEAD = f"""# Gallery of neurons

Every neuron of the library with its default parameters, drawn by `{COMMAND}`.
On the left its response to a step current, with its spikes as ticks above; on the right its rate in
the long run under a constant one, in Hz where it has a `dt`, else in spikes a step, and the
mean of what it sends where that is not spikes. Parameters, with units and defaults, are in the
docstrings: `help(bidl_sim.processes.LIF)`.
"""


@dataclass(frozen=True)
class Show:
    """The step's current, the largest of the f-I curve, their unit, and how long to look, in steps
    or, where the neuron has a ``dt``, in ms; ``state`` is drawn, the first one unless given.
    ``seconds`` says that the ``dt`` is in s, and the potential in no unit.
    """

    at: float = 0.4
    most: float = 1.0
    unit: str = ""
    long: float = 40
    state: str = ""
    port: str = ""
    seconds: bool = False


SHOWN = {
    "AdEx": Show(900, 2000, "pA", 300),
    "CUBA": Show(0.02, 0.5, long=100, state="v"),
    "CUBAInput": Show(0.1, 0.5, long=100, state="v", port="bias_in"),
    "ConductanceLIF": Show(15, 60, "mV", 150),
    "CubaLIF": Show(2, 5, long=150, state="v", seconds=True),
    "CurrentLIF": Show(5, 40, "mV", 150),
    "DeltaLIF": Show(0.13, 0.5, "mV a step", 150),
    "GLIF": Show(400, 1000, "pA", 200),
    "IF": Show(0.1, 0.5, long=100, seconds=True),
    "HodgkinHuxley": Show(1000, 3000, "pA", 100),
    "Izhikevich": Show(10, 40, "mV/ms", 200),
    "MultiCompartment": Show(50, 200, "mV", 80),
    "PulseCoupled": Show(0.5, 1.0, long=150, state="theta"),
    "RCLIF": Show(2, 5, long=150, seconds=True),
    "Threshold": Show(1.5, 2, state="a_in"),
}


def neurons() -> dict[str, type[Neuron]]:
    """The neurons of the library by name, in alphabetical order."""
    found = sorted(registry.types().items(), key=lambda item: item[0].lower())
    return {
        name: kind
        for name, kind in found
        if issubclass(kind, Neuron) and kind.__module__.startswith("bidl_sim.")
    }


# -- the page ------------------------------------------------------------------------------------


def page() -> str:
    """The text of the page."""
    return "\n".join([HEAD, *(section(name, kind) for name, kind in neurons().items())])


def section(name: str, kind: type[Neuron]) -> str:
    """What a neuron's docstring says before its parameters, and its picture."""
    text = equation(kind)
    if "```" not in text:
        base = next(b for b in kind.__mro__ if "```" in equation(b))
        text += f"\n\nAs `{base.__name__}`:\n\n" + equation(base).partition("\n\n")[2]
    return f"## {name}\n\n{text}\n\n![{name}](gallery/{name}.png)\n"


def equation(kind: type) -> str:
    """A class's description in Markdown."""
    text = inspect.cleandoc(kind.__doc__ or "")
    for heading in ("Parameters\n---", "References\n---", "Ports\n---"):
        text = text.partition(heading)[0].rstrip()
    lines, inside = [], False
    for line in text.splitlines():
        literal = line.startswith("    ")
        if line.strip() and literal != inside:
            fence = "```text" if literal else "```"
            lines[len(lines) :] = [fence] if literal else []
            if not literal:
                lines[-1:] = ["```", ""]
            inside = literal
        if literal:
            line = line[4:]
        elif line.endswith("::"):
            line = line[:-1] if line != "::" else ""
        if line or (lines and lines[-1] != ""):
            lines.append(line)
    return "\n".join([*lines, "```"] if inside else lines)


# -- the pictures --------------------------------------------------------------------------------


def run(kind: type[Neuron], show: Show, current: Any, members: tuple[str, ...]) -> list[Any]:
    """Members ``(steps, neurons)`` under currents ``(steps, neurons)``."""
    net = Network()
    cells = net.add(kind(n=current.shape[1]), "cells")
    port = show.port or next(iter(kind.in_specs))
    net.connect(net.add(bp.Input(current.shape[1])), cells.in_ports[port])
    sim = Simulator(net, engine="event", dtype="float64")
    probes = [sim.probe(f"cells.{member}") for member in members]
    sim.run(current, progress=False)
    return [np.asarray(probe.data) for probe in probes]


def draw(name: str, kind: type[Neuron]) -> None:
    """Write the picture of a neuron."""
    import matplotlib.pyplot as plt
    from PIL import Image

    show = SHOWN.get(name, Show())
    dt = getattr(kind(n=1), "dt", None)
    dt = 1000 * dt if dt and show.seconds else dt
    figure = plt.figure(figsize=(7.2, 2.3), layout="constrained")
    left, right = figure.add_gridspec(1, 2, width_ratios=(2.3, 1), wspace=0.06)
    above, below = left.subgridspec(2, 1, height_ratios=(4, 1), hspace=0.04).subplots(sharex=True)
    response(kind, show, dt, above, below)
    rates(kind, show, dt, figure.add_subplot(right))
    figure.canvas.draw()
    pixels = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    pixels.quantize(48, dither=Image.Dither.NONE).save(PICTURES / f"{name}.png", optimize=True)
    plt.close(figure)


def response(kind: type[Neuron], show: Show, dt: float | None, above: Any, below: Any) -> None:
    """A state, the spikes, and the current below."""
    steps = round(show.long / (dt or 1))
    on, off = steps // 10, steps * 8 // 10
    current = np.zeros((steps, 1))
    current[on:off] = show.at
    state = show.state or next(n for n in kind(n=1).states(False) if n != "fired")
    values, sent = (x[:, 0] for x in run(kind, show, current, (state, "s_out")))
    t = np.arange(1, steps + 1) * (dt or 1)
    above.plot(t, values, color=COLORS[0], linewidth=1.1)
    above.set_ylabel(f"{state} (mV)" if dt and state == "v" and not show.seconds else state)
    if binary(sent):
        low, high = above.get_ylim()
        above.set_ylim(low, high + 0.15 * (high - low))
        above.vlines(t[sent > 0], 0.9, 1, INK, linewidth=0.9, transform=above.get_xaxis_transform())
    else:
        above.plot(t, sent, color=COLORS[1], linewidth=1.1, label="sent")
        above.legend(frameon=False, loc="upper right", handlelength=1)
    above.tick_params(labelbottom=False)
    below.fill_between(t, current[:, 0], step="mid", color=COLORS[3], alpha=0.75, linewidth=0)
    below.set(xlabel="ms" if dt else "step", yticks=[0, show.at], xlim=(0, t[-1]))
    below.set_yticklabels(["0", f"{show.at:g} {show.unit}".strip()])
    below.set_ylim(*sorted((0, 1.15 * show.at)))


def rates(kind: type[Neuron], show: Show, dt: float | None, ax: Any) -> None:
    """The f-I curve, without the first fifth of a long run."""
    steps = round(1000 / dt) if dt else 500
    currents = np.linspace(0, show.most, 41)
    (sent,) = run(kind, show, np.tile(currents, (steps, 1)), ("s_out",))
    sent = sent[steps // 5 :]
    spikes = binary(sent)
    found = rate(sent) * (1000 / dt if dt else 1) if spikes else sent.mean(0)
    ax.plot(currents, found, color=COLORS[1], linewidth=1.4)
    ax.set_xlabel(f"current ({show.unit})" if show.unit else "current")
    ax.set_ylabel(("Hz" if dt else "spikes a step") if spikes else "mean output")
    ax.set(xlim=(0, show.most))
    ax.set_ylim(bottom=min(0.0, *found))


def rate(spikes: Any) -> Any:
    """Spikes a step, from the mean interval; 0 where there is none."""
    first, last = spikes.argmax(0), len(spikes) - 1 - spikes[::-1].argmax(0)
    return (spikes.sum(0) - 1).clip(0) / (last - first).clip(1)


def binary(values: Any) -> bool:
    """Whether these are spikes."""
    return bool(np.isin(values, (0, 1)).all())


def main(names: list[str]) -> None:
    """Draw pictures, all or the named ones, and write the page."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({
        "figure.dpi": 180,
        "font.size": 8,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.color": INK,
        "ytick.color": INK,
    })  # fmt: skip
    PICTURES.mkdir(exist_ok=True)
    for name, kind in neurons().items():
        if not names or name in names:
            draw(name, kind)
            print(name)
    for old in PICTURES.glob("*.png"):
        if old.stem not in neurons():
            old.unlink()
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
