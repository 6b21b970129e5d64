"""Which compiler makes a population's kernels, by device."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from bidl_sim.core.process import Process
from bidl_sim.core.trace.step import trace
from bidl_sim.engines.kernels.compile import numba_missing, triton_missing
from bidl_sim.engines.torch.fused import FusedStep
from bidl_sim.engines.torch.numba_step import NumbaStep
from bidl_sim.engines.torch.triton_step import TritonStep
from bidl_sim.errors import TraceError

COMPILERS: Mapping[str, Any] = {
    "cpu": (NumbaStep, numba_missing),
    "cuda": (TritonStep, triton_missing),
}
"""By type of device: how a step is compiled, and what says why it cannot be."""

_known: WeakKeyDictionary[Process, dict[Any, FusedStep | None]] = WeakKeyDictionary()


def fused_step(
    process: Process, training: bool, kept: tuple[str, ...] = (), device: str = "cpu"
) -> FusedStep | None:
    """The kernels of a process, None if its step cannot be traced or nothing can compile it."""
    if device not in COMPILERS:
        return None
    make, missing = COMPILERS[device]
    if reason := missing():
        _warn_once(f"{reason}: populations run on slower, eager steps")
        return None
    known = _known.setdefault(process, {})
    key = (device, training, kept, frozenset(process.left_out), *process.options().items())
    if key not in known:
        try:
            known[key] = make(trace(process, training), kept)
        except TraceError:
            known[key] = None
    return known[key]


@cache
def _warn_once(message: str) -> None:
    warnings.warn(message, stacklevel=2)
