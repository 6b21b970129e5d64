"""Operations on whole tensors in C++: calls of kernels, and loops of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bidl_sim.netx.cpp.layout import Place, in_order, size, strides
from bidl_sim.netx.cpp.loops import around, copied, nest
from bidl_sim.netx.cpp.memory import Memory
from bidl_sim.netx.cpp.words import number
from bidl_sim.netx.step.graph import Node, Tensor
from bidl_sim.typing import Array, Shape

FEW = 0.25
"""Of a matrix with fewer entries that are not zero, only those are kept."""


def operation(node: Node, memory: Memory) -> list[str]:
    """An operation's text; nothing for one that only gives another view."""
    return OPERATORS[node.op](node, memory)


def _linear(node: Node, memory: Memory) -> list[str]:
    x, weight, bias, out = _operands(node, memory)
    lines: list[str] = []
    if not in_order(node.inputs[0].shape, x):
        x, source = memory.new(f"{node.process}.row", node.inputs[0]), x
        lines = copied(node.inputs[0].shape, source, x)
    by_source, sizes = np.ascontiguousarray(weight.T), f"{weight.shape[1]}, {weight.shape[0]}"
    if np.count_nonzero(weight) >= FEW * weight.size:
        stored = memory.constant(node.inputs[1].name, by_source)
        return [*lines, f"linear<{sizes}>({x.first}, {stored}, {bias}, {out.first});"]
    sources, targets = by_source.nonzero()
    offsets = np.searchsorted(sources, np.arange(weight.shape[1] + 1))
    rows = ", ".join(
        [
            memory.constant(f"{node.process}.offsets", offsets, "int"),
            memory.constant(f"{node.process}.targets", targets, "index"),
            memory.constant(node.inputs[1].name, by_source[sources, targets]),
        ]
    )
    return [*lines, f"sparse_linear<{sizes}>({x.first}, {rows}, {bias}, {out.first});"]


def _conv(node: Node, memory: Memory) -> list[str]:
    """With weights by source: input channel, row, column, output channel of the group."""
    x, weight, bias, out = _operands(node, memory)
    said, groups, sent = node.attributes, node.attributes["groups"], node.output
    assert sent is not None
    weight = _spread(weight, said["dilation"])
    if node.op == "conv":
        per_group = weight.reshape(groups, -1, *weight.shape[1:])
        by_source = per_group.transpose(0, 2, 3, 4, 1)
        width, stride = weight.shape[3], said["stride"][1]
        columns = [k for part in range(stride) for k in range(part, width, stride)[::-1]]
        by_source = by_source[:, :, :, columns]
    else:
        by_source = weight.transpose(0, 2, 3, 1)
    stored = memory.constant(node.inputs[1].name, by_source)
    kernel = (*weight.shape[2:], *said["stride"], *said["padding"])
    types = [
        _image(node.inputs[0].shape, x),
        _image(sent.shape, out),
        f"Window<{_listed(kernel)}>",
        f"{groups}",
    ]
    return _call(node.op, types, [x.first, stored, bias, out.first])


def _spread(weight: Array, dilation: Sequence[int]) -> Array:
    """Zeros between the rows and columns of a kernel."""
    size = [d * (n - 1) + 1 for n, d in zip(weight.shape[2:], dilation, strict=True)]
    spread = np.zeros((*weight.shape[:2], *size))
    spread[:, :, :: dilation[0], :: dilation[1]] = weight
    return spread


def _pool(node: Node, memory: Memory) -> list[str]:
    assert node.output is not None
    x, out = memory.place(node.inputs[0]), memory.place(node.output)
    said = node.attributes
    kernel = (*said["kernel_size"], *said["stride"], *said["padding"])
    types = [
        _image(node.inputs[0].shape, x),
        _image(node.output.shape, out),
        f"Window<{_listed(kernel)}>",
    ]
    return _call(node.op, types, [x.first, out.first])


def _einsum(node: Node, memory: Memory) -> list[str]:
    """A sum over all letters of products."""
    assert node.output is not None
    one, two, result = node.attributes["equation"].replace("->", ",").split(",")
    letters = dict.fromkeys(result + one + two)
    sizes: dict[str, int] = {}
    for said, x in zip((one, two), node.inputs, strict=True):
        sizes.update(zip(said, x.shape, strict=True))
    shape = tuple(sizes[a] for a in letters)
    places = []
    for said, x in zip((one, two, result), (*node.inputs, node.output), strict=True):
        own = memory.place(x)
        steps = dict(zip(said, own.strides, strict=True))
        places.append(Place(own.pointer, tuple(steps.get(a, 0) for a in letters), own.offset))
    loops, (a, b, out) = nest(shape, range(len(shape)), places)
    return [*_filled(node.output, memory), *around(loops, [f"{out} += {a} * {b};"])]


def _over(node: Node, memory: Memory) -> list[str]:
    """Sums or means over axes, which stay with size 1."""
    x, out = node.inputs[0], node.output
    assert out is not None
    axes = node.attributes["axes"]
    whole = memory.place(out)
    target = Place(whole.pointer, tuple(0 if k in axes else s for k, s in enumerate(whole.strides)))
    loops, (to, of) = nest(x.shape, memory.order(x), (target, memory.place(x)))
    lines = [*_filled(out, memory), *around(loops, [f"{to} += {of};"])]
    if node.op == "mean":
        count = number(size(tuple(x.shape[k] for k in axes)), "float", memory.dtype)
        loops, (each,) = nest(out.shape, range(len(out.shape)), [whole])
        lines += around(loops, [f"{each} /= {count};"])
    return lines


def _reshape(node: Node, memory: Memory) -> list[str]:
    """Nothing to do for another view; else values move into C order."""
    assert node.output is not None
    x, out = node.inputs[0], memory.place(node.output)
    if out.pointer == memory.place(x).pointer:
        return []
    return copied(x.shape, memory.place(x), Place(out.pointer, strides(x.shape)))


def _concat(node: Node, memory: Memory) -> list[str]:
    assert node.output is not None
    whole, lines, axis, begin = memory.place(node.output), [], node.attributes["axis"], 0
    for x in node.inputs:
        lines += copied(x.shape, memory.place(x), whole.moved(axis, begin))
        begin += x.shape[axis]
    return lines


def _pad(node: Node, memory: Memory) -> list[str]:
    """Zeros before and after the first axis."""
    assert node.output is not None
    x = node.inputs[0]
    inner = memory.place(node.output).moved(0, node.attributes["before"])
    return [*_filled(node.output, memory), *copied(x.shape, memory.place(x), inner)]


def _slice(node: Node, memory: Memory) -> list[str]:
    return []


def _gather(node: Node, memory: Memory) -> list[str]:
    """A pointer to one entry of a table."""
    assert node.output is not None
    table, index = (memory.place(x) for x in node.inputs)
    kind = memory.types[node.output.kind]
    row = f"{table.first} + {table.strides[0]} * {index.pointer}[{index.offset}]"
    return [f"const {kind}* {memory.place(node.output).pointer} = {row};"]


OPERATORS: Mapping[str, Callable[[Node, Memory], list[str]]] = {
    "linear": _linear,
    "conv": _conv,
    "conv_transpose": _conv,
    "avg_pool": _pool,
    "max_pool": _pool,
    "einsum": _einsum,
    "sum": _over,
    "mean": _over,
    "reshape": _reshape,
    "concat": _concat,
    "slice": _slice,
    "pad": _pad,
    "gather": _gather,
}


def _operands(node: Node, memory: Memory) -> tuple[Place, Array, str, Place]:
    """What a synapse takes: values, weights, bias; and where it sends."""
    assert node.output is not None
    weight = node.inputs[1].value
    assert weight is not None  # synapses of a step graph are constants
    no_bias = f"static_cast<const {memory.types['float']}*>(nullptr)"
    bias = memory.place(node.inputs[2]).first if len(node.inputs) > 2 else no_bias
    return memory.place(node.inputs[0]), weight, bias, memory.place(node.output)


def _image(shape: Shape, place: Place) -> str:
    return f"Image<{_listed((*shape, *place.strides))}>"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(n) for n in numbers)


def _call(name: str, types: Sequence[str], values: Sequence[str]) -> list[str]:
    return [f"{name}<{', '.join(types)}>(", f"    {', '.join(values)});"]


def _filled(x: Tensor, memory: Memory) -> list[str]:
    """Zero everywhere."""
    loops, (each,) = nest(x.shape, range(len(x.shape)), [memory.place(x)])
    return around(loops, [f"{each} = 0;"])
