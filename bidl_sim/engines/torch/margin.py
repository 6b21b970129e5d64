"""How far a potential was from the threshold."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bidl_sim.core.circuit import Circuit
from bidl_sim.engines.torch.engine import Parameters, TorchEngine
from bidl_sim.engines.torch.unit import Mode, Unit


def fire_argument(
    circuit: Circuit,
    path: str,
    parameters: Parameters,
    arriving: Mapping[str, Tensor],
    mode: Mode,
    t: int,
) -> Tensor:
    """What a neuron's step hands to ``fire`` (its potential minus the threshold) in one step.

    ``arriving`` holds inputs and states at the beginning of the step, ``(batch, ...)``.
    """
    own = TorchEngine(circuit).own_parameters(path, parameters)
    unit = Unit(circuit, path, own, {}, {}, mode)
    seen: list[Tensor] = []

    def fire(x: Tensor) -> Tensor:
        seen.append(x)
        return (x > 0).to(x.dtype)

    unit.constants["fire"] = fire
    unit.step(arriving, t)
    return torch.stack(seen).abs().amin(0)
