"""The four operators of the Lynxi chip, computed on the host. Needs torch and nothing else.

The vendor's own library for PyTorch registers the same names; its versions return their first
operand unchanged, so that a network can be traced but not checked. These do what the chip is said
to do. Where that library was loaded before, its versions stay.

    with holding(states):      # a dictionary, by flag; empty at the beginning of a sample
        output = step(frame)

Not verified on hardware.
"""

from contextlib import contextmanager
from typing import Any, Dict, Iterator, List

import torch

SCHEMAS = {
    "load": "(Tensor data, str flag, bool is_initial, int[] shape, str dtype, int offset, "
    "int step, bool uselookup, int mode, int group_id) -> Tensor",
    "save": "(Tensor data, str flag, int offset, int step, bool isOutput, bool uselookup, "
    "int mode, int group_id) -> Tensor",
    "cmpandfire": "(Tensor x, float theta) -> Tensor",
    "resetwithdecay": "(Tensor x, float theta, float v_0, float alpha, float beta) -> Tensor",
}

_held: List[Dict[str, torch.Tensor]] = [{}]


@contextmanager
def holding(states: Dict[str, torch.Tensor]) -> Iterator[None]:
    """Keep what is saved in a dictionary of states by flag, and load from there."""
    _held.append(states)
    try:
        yield
    finally:
        _held.pop()


def load(data: torch.Tensor, flag: str, *said: Any) -> torch.Tensor:
    """What was saved last, or the initial value where nothing was."""
    return _held[-1].get(flag, data).clone()


def save(data: torch.Tensor, flag: str, *said: Any) -> torch.Tensor:
    """Keep a value until it is loaded in the next step."""
    _held[-1][flag] = data.clone()
    return data.clone()


def cmpandfire(x: torch.Tensor, theta: float) -> torch.Tensor:
    """1 where x is above theta, else 0."""
    return (x > theta).to(x.dtype)


def resetwithdecay(
    x: torch.Tensor, theta: float, v_0: float, alpha: float, beta: float
) -> torch.Tensor:
    """``alpha v_0 + beta`` where x is above theta, else ``alpha x + beta``."""
    return torch.where(x > theta, v_0, x) * alpha + beta


_registered: List[Any] = []


def register() -> None:
    """Make ``torch.ops.custom`` know the operators, unless it does; can be called again."""
    if hasattr(torch.ops.custom, "load"):
        return
    torch_library: Any = torch.library
    library = torch_library.Library("custom", "FRAGMENT")
    functions: Dict[str, Any] = {"load": load, "save": save}
    functions.update({"cmpandfire": cmpandfire, "resetwithdecay": resetwithdecay})
    for name, schema in SCHEMAS.items():
        # What has effects must not be taken for unused where its result is not read.
        library.define(name + schema, alias_analysis="CONSERVATIVE")
        library.impl(name, functions[name], "CompositeExplicitAutograd")
    _registered.append(library)  # operators live as long as it does
