"""Layers as a table."""

from __future__ import annotations

from collections.abc import Iterable

from bidl_sim.lava.netx.blocks import Block
from bidl_sim.netx.lava.file import WINDOW, Layer
from bidl_sim.table import table

HEAD = ("layer", "type", "x", "y", "channel", "kernel", "stride", "padding", "dilation", "groups")


def listing(layers: Iterable[tuple[Block, Layer]]) -> str:
    """A row for each layer; pairs are (x, y)."""
    return table([(*HEAD, "delay", "neuron"), *(_row(b, layer) for b, layer in layers)], left=2)


def _row(block: Block, layer: Layer) -> tuple[str, ...]:
    x, y, channel = block.shape if len(block.shape) == 3 else (1, 1, block.shape[0])
    window = [""] * len(WINDOW)
    if WINDOW[0] in layer.members:
        window = ["{1} x {0}".format(*layer.pair(name)) for name in WINDOW]
    groups = str(layer.integer("groups")) if "groups" in layer.members else ""
    delay = "yes" if "delay" in layer.members else ""
    neuron = str((layer.neuron or {}).get("type", ""))
    return (block.name, block.block, f"{x}", f"{y}", f"{channel}", *window, groups, delay, neuron)
