"""Less memory for more arithmetic: of a run, only states between segments of time are kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from bidl_sim.core.circuit import Circuit
from bidl_sim.engines.torch.engine import Lowered, Result, TorchEngine
from bidl_sim.engines.torch.signals import State
from bidl_sim.errors import ParameterError


def check_segments(circuit: Circuit) -> None:
    """Refuse a network in which a step depends on all others."""
    for process in circuit.processes.values():
        if process.needs_whole_sequence:
            raise ParameterError(
                "Unroll, segment",
                f"cannot be used with {process.where}, which normalises over the whole sequence",
                "use statistics='step' there",
            )


def run_in_segments(
    engine: TorchEngine,
    lowered: Lowered,
    inputs: Mapping[str, Tensor],
    state: State,
    *,
    t: int,
    steps: int,
    record: Collection[str],
    segment: int,
) -> Result:
    """As `TorchEngine.run`; the backward pass does the steps of each segment again."""

    def piece(part: dict[str, Tensor], state: State, t: int, steps: int) -> Any:
        result = engine.run(lowered, part, state, t=t, steps=steps, record=record)
        return result.outputs, result.state, result.recorded

    outputs: list[dict[str, Tensor]] = []
    recorded: list[dict[str, Tensor]] = []
    for first in range(0, steps, segment):
        count = min(segment, steps - first)
        part = {path: values[first : first + count] for path, values in inputs.items()}
        sent, state, seen = checkpoint(piece, part, state, t + first, count, use_reentrant=False)
        outputs.append(sent)
        recorded.append(seen)
    timed = {name: engine.circuit.signals[p].timed for name, p in engine.circuit.outputs.items()}
    return Result(
        {
            name: torch.cat([sent[name] for sent in outputs]) if over_time else outputs[-1][name]
            for name, over_time in timed.items()
        },
        state,
        {path: torch.cat([seen[path] for seen in recorded]) for path in record},
    )
