"""Between our populations and the neurons of NIR."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError
from bidl_sim.netx.nir.file import Node, shown
from bidl_sim.netx.nir.options import Options
from bidl_sim.processes import (
    CUBA,
    IF,
    LIF,
    RC,
    RCLIF,
    CubaLI,
    CubaLIF,
    Integrator,
    LeakyIntegrator,
    Threshold,
)
from bidl_sim.typing import Array

KINDS: Mapping[str, type[Process]] = {
    "I": Integrator,
    "IF": IF,
    "LI": RC,
    "LIF": RCLIF,
    "CubaLI": CubaLI,
    "CubaLIF": CubaLIF,
    "Threshold": Threshold,
}
"""What a node of each type becomes; its fields are the parameters."""

NEAR = 1e-6
"""By how much r may differ from 1/dt and still mean it."""


# -- a file's to ours ----------------------------------------------------------------------------


def population(node: Node, options: Options) -> Process:
    """The population that a node describes."""
    kind: Any = KINDS[node.kind]
    arrays = {name: node.array(name) for name in node.fields}
    if node.kind != "Threshold":
        arrays = options.library.fields(node.kind, arrays, options.step)
    if node.kind != "Threshold" and "v_threshold" in arrays:
        arrays.setdefault("v_reset", np.zeros_like(arrays["v_threshold"]))
    shapes = {value.shape for value in arrays.values() if value.shape}
    if len(shapes) > 1:
        sizes = ", ".join(f"{name} {value.shape}" for name, value in arrays.items())
        raise FormatError(node.where, f"its fields are not all of one shape: {sizes}")
    given: dict[str, Any] = {
        name: getattr(options, name)
        for name in ("reset", "method", "max_spikes", "v_min", "compare")
        if name in kind.option_specs
    }
    if "dt" in kind.option_specs:
        given["dt"] = options.step
    if "gain" in kind.option_specs:
        given["gain"] = _gain(node, arrays["r"], options)
    if given.get("v_min") == -math.inf:
        del given["v_min"]
    start = arrays.get(options.library.begins_at, np.zeros(()))
    if np.any(start != 0):
        given["initial"] = {"v": start}
    made: Process = kind(shape=next(iter(shapes), None), **given, **arrays)
    return made


def _gain(node: Node, r: Array, options: Options) -> str:
    """Whether r is what a step adds, or a rate; it is one if it is 1/dt."""
    if options.if_gain != "dt" and np.all(np.abs(r * options.step - 1) < NEAR):
        return "dt"
    if options.if_gain is None and np.any(np.abs(r - 1) >= NEAR):
        warnings.warn(
            f"{node.where}/r: is {shown(r)}, neither 1 nor 1/dt, and added in every step; "
            "if_gain='dt' takes it as a rate, 'per_step' as it is",
            stacklevel=2,
        )
    return options.if_gain or "per_step"


# -- ours to a file's ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Neurons:
    """A node to be: its type, its fields, one number or an array each, and its options."""

    kind: str
    fields: Mapping[str, Any]
    options: Mapping[str, Any]


Writer: TypeAlias = Callable[[Any, float], Neurons]


def neurons(process: Process, dt: float) -> Neurons:
    """What a file says of a population; ``dt`` is the timestep of those that have none."""
    return WRITERS[type(process)](process, dt)


def plainly(process: Process, **wanted: Any) -> None:
    """Refuse a process whose options are others, or that begins with a state of its own."""
    for name, value in wanted.items():
        found = getattr(process, name)
        if found != value:
            raise FormatError(
                f"{process.where}, {name}", f"is {found!r}, which NIR cannot say", f"use {value!r}"
            )
    for state in process.initial or {}:
        raise FormatError(
            f"{process.where}, initial[{state!r}]", "NIR cannot say where a state begins"
        )


def _same(kind: str) -> Writer:
    def writer(p: Any, dt: float) -> Neurons:
        plainly(p)
        options = {
            name: getattr(p, name)
            for name in ("dt", "reset", "method", "max_spikes", "v_min", "compare")
            if name in p.option_specs
        }
        if "gain" in p.option_specs:
            options["if_gain"] = p.gain
        return Neurons(kind, p.parameters(), options)

    return writer


def _lif(p: LIF, dt: float) -> Neurons:
    """The leak follows the reset: v = alpha v + a_in is tested."""
    plainly(p, output="spike", norm="none", noise=0.0)
    if np.any(p.beta != 0):
        raise FormatError(
            f"{p.where}, beta", "is not 0; a leak that comes after the reset is late by a step"
        )
    fields = {**_leak(p, dt, 1 - p.alpha), "v_threshold": p.v_th, "v_reset": p.v_reset}
    kind = "LIF" if "tau" in fields else "IF"
    return Neurons(kind, fields, {**_firing(kind, dt), "reset": _reset(p)})


def _cuba(p: CUBA, dt: float) -> Neurons:
    plainly(p, arithmetic="float", output="spike", refractory=0, reset_interval=None)
    lost = {"current_decay": p.current_decay, "voltage_decay": p.voltage_decay}
    for name, value in lost.items():
        if np.any(value == 0):
            raise FormatError(f"{p.where}, {name}", "is 0; no time constant is infinite")
    current, voltage = lost.values()
    fields = {
        "tau_syn": dt / current,
        "tau_mem": dt / voltage,
        "r": 1 / voltage,
        "v_leak": p.bias / voltage,
        "w_in": 1 / current,
        "v_threshold": p.threshold,
        "v_reset": 0.0,
    }
    return Neurons("CubaLIF", fields, {**_firing("CubaLIF", dt), "reset": "value"})


def _leaky(p: LeakyIntegrator, dt: float) -> Neurons:
    plainly(p, arithmetic="float", reset_interval=None)
    fields = _leak(p, dt, p.decay)
    kind = "LI" if "tau" in fields else "I"
    return Neurons(kind, fields, _moving(kind, dt))


def _leak(p: Process, dt: float, lost: Array) -> dict[str, Any]:
    """Fields of ``v = (1 - lost) v + a_in``."""
    if np.all(lost == 0):
        return {"r": 1 / dt}
    if np.any(lost == 0):
        raise FormatError(p.where, "leaks in some neurons only", "divide it into two populations")
    return {"tau": dt / lost, "r": 1 / lost, "v_leak": 0.0}


def _moving(kind: str, dt: float) -> dict[str, Any]:
    return {"dt": dt, "if_gain": "dt"} if kind in ("I", "IF") else {"dt": dt, "method": "euler"}


def _firing(kind: str, dt: float) -> dict[str, Any]:
    return {**_moving(kind, dt), "max_spikes": 1, "compare": "gt", "v_min": None}


def _reset(p: Any) -> str:
    return "subtract" if p.reset == "soft" else "value"


WRITERS: Mapping[type[Process], Writer] = {
    **{kind: _same(name) for name, kind in KINDS.items()},
    LIF: _lif,
    CUBA: _cuba,
    LeakyIntegrator: _leaky,
}
