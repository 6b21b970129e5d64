"""One timestep as TorchScript, with the chip's operators around its states."""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections.abc import Mapping
from typing import Any

import torch

from bidl_sim.netx.lynxi import custom_operators
from bidl_sim.netx.lynxi.layout import held_shape
from bidl_sim.netx.step.graph import Node, StepGraph
from bidl_sim.netx.step.in_torch import Operation
from bidl_sim.netx.step.module import step_module


def step_script(graph: StepGraph) -> bytes:
    """A step graph as a TorchScript file, the same bytes for the same graph.

    It takes the inputs, ``(1, *shape)`` each, and gives the outputs; states are loaded and saved.
    Whole numbers are floats, as on the chip.
    """
    custom_operators.register()
    said = {**_AS_ON_CHIP, **_kept(graph)}
    module = step_module(graph, torch.float32, said, whole=torch.float32)

    def step(*frames: torch.Tensor) -> Any:
        results = module(*frames)
        return results[0] if len(results) == 1 else results

    frames = tuple(torch.zeros(1, *x.shape) for x in graph.inputs.values())
    with warnings.catch_warnings(), custom_operators.holding({}):
        warnings.simplefilter("ignore", DeprecationWarning)  # it is what the compiler takes
        traced: Any = torch.jit.trace(  # type: ignore[no-untyped-call]
            step, frames, check_trace=False
        )
    return _without_traces_of_here(traced.save_to_buffer())


def _kept(graph: StepGraph) -> Mapping[str, Operation]:
    """Loads and saves of the chip, in the layout in which it holds states."""
    ops = torch.ops.custom

    def load(node: Node, dtype: torch.dtype, initial: Any) -> Any:
        assert node.output is not None
        inside = _to_chip(graph, node.process, node.output.shape, initial)
        flag = node.attributes["flag"]
        found = ops.load(inside, flag, True, [], "float32", 0, 0, False, 0, 0)
        return _from_chip(graph, node.process, node.output.shape, found)

    def save(node: Node, dtype: torch.dtype, x: Any) -> Any:
        inside = _to_chip(graph, node.process, node.inputs[0].shape, x)
        return ops.save(inside, node.attributes["flag"], 0, 0, False, False, 0, 0)

    return {"load": load, "save": save}


def _to_chip(graph: StepGraph, process: str, shape: tuple[int, ...], x: Any) -> Any:
    """Channels last."""
    held = held_shape(shape, process in graph.accumulators)
    if len(held) == 2:
        return x if len(shape) == 1 else x.reshape(1, math.prod(shape))
    x = x if len(shape) == 3 else x.reshape(1, *held[3:], *held[1:3])
    return x.permute(0, 2, 3, 1)


def _from_chip(graph: StepGraph, process: str, shape: tuple[int, ...], x: Any) -> Any:
    held = held_shape(shape, process in graph.accumulators)
    x = x.permute(0, 3, 1, 2) if len(held) == 4 else x
    return x if len(held) - 1 == len(shape) else x.reshape(1, *shape)


def _cmp_and_fire(node: Node, dtype: torch.dtype, x: Any, theta: float) -> Any:
    return torch.ops.custom.cmpandfire(x, float(theta))


def _reset_with_decay(node: Node, dtype: torch.dtype, x: Any, *numbers: float) -> Any:
    return torch.ops.custom.resetwithdecay(x, *map(float, numbers))


def _cut(node: Node, dtype: torch.dtype, x: Any) -> Any:
    """A whole number, cut towards zero, in a float."""
    return torch.trunc(x) if node.inputs[0].kind == "float" else x.to(dtype)


def _one_sample(node: Node, dtype: torch.dtype, x: Any, *like: Any) -> Any:
    assert node.output is not None
    return x.expand(1, *node.output.shape)


_AS_ON_CHIP: Mapping[str, Operation] = {
    "cmp_and_fire": _cmp_and_fire,
    "reset_with_decay": _reset_with_decay,
    "int": _cut,
    "expand": _one_sample,
}


def _without_traces_of_here(archive: bytes) -> bytes:
    """The archive without the source lines of this machine and without times."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as given, zipfile.ZipFile(written, "w") as kept:
        for name in given.namelist():
            if not name.endswith((".debug_pkl", "serialization_id")):
                kept.writestr(zipfile.ZipInfo(name), given.read(name))
    return written.getvalue()
