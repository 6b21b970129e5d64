"""Each operation of a step graph in ONNX's operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bidl_sim.netx.onnx import windows
from bidl_sim.netx.onnx.functions import DOMAIN, NAMES
from bidl_sim.netx.onnx.writer import Writer
from bidl_sim.netx.step.graph import Node

SAME: Mapping[str, str] = {
    "+": "Add",
    "-": "Sub",
    "*": "Mul",
    "/": "Div",
    "min": "Min",
    "max": "Max",
    "neg": "Neg",
    "<": "Less",
    "<=": "LessOrEqual",
    ">": "Greater",
    ">=": "GreaterOrEqual",
    "==": "Equal",
    "not": "Not",
    "where": "Where",
    "exp": "Exp",
    "arctan": "Atan",
    "tanh": "Tanh",
    "erf": "Erf",
    "sqrt": "Sqrt",
    "floor": "Floor",
    "nearest": "Round",
    "& int": "BitwiseAnd",
    "| int": "BitwiseOr",
    "^ int": "BitwiseXor",
    "& bool": "And",
    "| bool": "Or",
    "^ bool": "Xor",
}
"""Operations that are one operator without attributes; by kind where that matters."""


def write(w: Writer, node: Node) -> None:
    """Write one operation."""
    assert node.output is not None  # loads and saves are the graph's inputs and outputs
    inputs, out = [w.name(x) for x in node.inputs], node.output.name
    operator = SAME.get(node.op) or SAME.get(f"{node.op} {node.output.kind}")
    if operator:
        w.add(operator, inputs, out)
    elif node.op in NAMES:
        w.add(NAMES[node.op], inputs, out, domain=DOMAIN)
    elif node.op in ("float", "int", "bool"):
        w.add("Cast", inputs, out, to=w.onnx_type(node.op))
    else:
        OTHERS[node.op](w, node, inputs, out)


def _not_equal(w: Writer, node: Node, inputs: list[str], out: str) -> None:
    w.add("Not", [w.add("Equal", inputs, f"{out}/equal")], out)


def _quotient(w: Writer, node: Node, inputs: list[str], out: str) -> None:
    """Cut downwards; ONNX divides whole numbers towards zero."""
    if node.inputs[0].kind == "float":
        w.add("Floor", [w.add("Div", inputs, f"{out}/div")], out)
    else:
        rest = w.add("Mod", inputs, f"{out}/rest")
        multiple = w.add("Sub", [inputs[0], rest], f"{out}/multiple")
        w.add("Div", [multiple, inputs[1]], out)


def _remainder(w: Writer, node: Node, inputs: list[str], out: str) -> None:
    """With the sign of the divisor; of floats ONNX has that of the dividend only."""
    if node.inputs[0].kind == "int":
        w.add("Mod", inputs, out)
        return
    rest = w.add("Mod", inputs, f"{out}/rest", fmod=1)
    signs = w.add("Mul", [rest, inputs[1]], f"{out}/signs")
    zero = w.array("=0.0", np.zeros((), w.float))
    wrong = w.add("Less", [signs, zero], f"{out}/wrong")
    w.add("Where", [wrong, w.add("Add", [rest, inputs[1]], f"{out}/other"), rest], out)


def _linear(w: Writer, node: Node, inputs: list[str], out: str) -> None:
    w.add("Gemm", inputs, out, transB=1)


def _einsum(w: Writer, node: Node, inputs: list[str], out: str) -> None:
    first, second, result = node.attributes["equation"].replace("->", ",").split(",")
    w.add("Einsum", inputs, out, equation=f"Z{first},Z{second}->Z{result}")


def _over(operator: str) -> Writes:
    def write(w: Writer, node: Node, inputs: list[str], out: str) -> None:
        axes = w.whole(*(1 + k for k in node.attributes["axes"]))
        w.add(operator, [*inputs, axes], out, keepdims=1)

    return write


def _reshape(w: Writer, node: Node, inputs: list[str], out: str) -> None:
    assert node.output is not None
    w.add("Reshape", [*inputs, w.whole(-1, *node.output.shape)], out)


def _expand(w: Writer, node: Node, inputs: list[str], out: str) -> None:
    """To all samples, as many as the second operand has."""
    assert node.output is not None
    x, like = inputs
    batch = w.add("Shape", [like], f"{out}/batch", start=0, end=1)
    shape = w.add("Concat", [batch, w.whole(*node.output.shape)], f"{out}/shape", axis=0)
    w.add("Expand", [x, shape], out)


def _concat(w: Writer, node: Node, inputs: list[str], out: str) -> None:
    w.add("Concat", inputs, out, axis=1 + node.attributes["axis"])


def _slice(w: Writer, node: Node, inputs: list[str], out: str) -> None:
    start, stop, axis = (node.attributes[n] for n in ("start", "stop", "axis"))
    w.add("Slice", [*inputs, w.whole(start), w.whole(stop), w.whole(1 + axis)], out)


def _pad(w: Writer, node: Node, inputs: list[str], out: str) -> None:
    """Zeros before and after the first axis."""
    axes = len(node.inputs[0].shape)
    rest = [0] * (axes - 1)
    said = node.attributes
    w.add("Pad", [*inputs, w.whole(0, said["before"], *rest, 0, said["after"], *rest)], out)


def _gather(w: Writer, node: Node, inputs: list[str], out: str) -> None:
    w.add("Gather", inputs, out, axis=0)


Writes = Callable[[Writer, Node, list[str], str], None]

OTHERS: Mapping[str, Writes] = {
    "!=": _not_equal,
    "//": _quotient,
    "%": _remainder,
    "linear": _linear,
    "conv": windows.conv,
    "conv_transpose": windows.conv_transpose,
    "avg_pool": windows.avg_pool,
    "max_pool": windows.max_pool,
    "einsum": _einsum,
    "sum": _over("ReduceSum"),
    "mean": _over("ReduceMean"),
    "reshape": _reshape,
    "expand": _expand,
    "concat": _concat,
    "slice": _slice,
    "pad": _pad,
    "gather": _gather,
}
