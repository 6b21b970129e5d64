"""The built-in operations of a LIF neuron as functions of the model.

A compiler that has them takes them whole; any runtime can replace them by their bodies.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bidl_sim.netx.onnx.writer import OPSET, import_onnx

DOMAIN = "bidl_sim"
NAMES = {"cmp_and_fire": "CmpAndFire", "reset_with_decay": "ResetWithDecay"}


def functions(used: Collection[str]) -> list[Any]:
    """Those of the built-in operations that a model uses, in the order of `NAMES`."""
    make = {"cmp_and_fire": _cmp_and_fire, "reset_with_decay": _reset_with_decay}
    return [make[op]() for op in NAMES if op in used]


def _cmp_and_fire() -> Any:
    """1 where x is above theta, else 0."""
    node = import_onnx().helper.make_node
    body = [
        node("Greater", ["x", "theta"], ["above"]),
        node("CastLike", ["above", "x"], ["s"]),
    ]
    return _function("CmpAndFire", ["x", "theta"], "s", body)


def _reset_with_decay() -> Any:
    """``alpha v_0 + beta`` where x is above theta, else ``alpha x + beta``."""
    node = import_onnx().helper.make_node
    body = [
        node("Greater", ["x", "theta"], ["above"]),
        node("Where", ["above", "v_0", "x"], ["after"]),
        node("Mul", ["alpha", "after"], ["left"]),
        node("Add", ["left", "beta"], ["v"]),
    ]
    return _function("ResetWithDecay", ["x", "theta", "v_0", "alpha", "beta"], "v", body)


def _function(name: str, inputs: list[str], output: str, body: list[Any]) -> Any:
    helper = import_onnx().helper
    standard = [helper.make_opsetid("", OPSET)]
    return helper.make_function(DOMAIN, name, inputs, [output], body, standard)
