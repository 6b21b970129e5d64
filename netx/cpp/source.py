"""The generated code: a step graph as a class with ``step`` and ``reset``."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from bidl_sim.netx.cpp.describe import heading
from bidl_sim.netx.cpp.layout import size
from bidl_sim.netx.cpp.loops import copied, literal, loop
from bidl_sim.netx.cpp.memory import Memory
from bidl_sim.netx.cpp.operators import operation
from bidl_sim.netx.cpp.plan import Loop, plan
from bidl_sim.netx.cpp.weights import formatted, packed
from bidl_sim.netx.cpp.words import STORED, comment, number, text
from bidl_sim.netx.step.graph import SavedState, StepGraph, Tensor

FILES = Path(__file__).parent / "files"


@dataclass(frozen=True)
class Source:
    """A network as C++: the texts of model.hpp and model.cpp, and the file of weights."""

    header: str
    code: str
    weights: bytes


def source(
    graph: StepGraph, dtype: str, processes: Mapping[str, object], space: str = "model"
) -> Source:
    """Write a step graph in a namespace; ``processes``, by path, are described in comments.

    Raises `FormatError` for numbers that ``dtype`` cannot hold.
    """
    items = plan(graph)
    memory = Memory(graph, items, dtype)
    numbers = list(_numbers(memory))
    outputs = {name: memory.output(x).first for name, x in graph.outputs.items()}
    step = list(_step(items, memory, processes))
    resets = [line for state in graph.states for line in _reset(state, memory)]
    constants, arrays = memory.constants, memory.arrays
    said = {
        "space": space,
        "dtype": dtype,
        "inputs": _lines(_fields({x.name: x for x in graph.inputs.values()}, memory)),
        "outputs": _lines(_fields(graph.outputs, memory)),
        "numbers": "\n".join(numbers),
        "weights": _lines(
            f"{STORED[a.dtype.name]} {name}[{a.size}];" for name, a in constants.items()
        ),
        "memory": _lines(f"{kind} {name}[{count}];" for name, (kind, count) in arrays.items()),
        "bytes": sum(a.nbytes for a in constants.values()),
        "reads": _lines(f"read(weights_->{name}, sizeof weights_->{name});" for name in constants),
        "resets": _lines(resets),
        "step": _lines(step),
        "results": ", ".join(outputs.values()),
        "states": _lines((_state(state, memory) for state in graph.states), 6),
    }
    code = zlib.crc32(_filled("model.cpp.in", said, code="").encode())
    return Source(
        _filled("model.hpp.in", said),
        _filled("model.cpp.in", said, code=f"0x{code:08X}"),
        packed(constants.values(), code),
    )


def _filled(name: str, said: Mapping[str, Any], **more: str) -> str:
    return Template((FILES / name).read_text(encoding="utf-8")).substitute(said, **more)


def _lines(lines: Iterable[str], indent: int = 2) -> str:
    return "\n".join(f"{' ' * indent}{line}".rstrip() for line in lines)


def _fields(tensors: Mapping[str, Tensor], memory: Memory) -> Iterator[str]:
    """Pointers to what comes in or goes out."""
    for name, x in tensors.items():
        shape = " x ".join(map(str, x.shape)) or "1"
        late = "" if memory.graph.timed.get(name, True) else "; counts after the last step"
        yield f"const {memory.types[x.kind]}* {memory.names[name]};  // {shape}{late}"
    if not tensors:
        yield "// none"


def _numbers(memory: Memory) -> Iterator[str]:
    """Parameters that are one number, as constants of the code."""
    for x in memory.graph.constants():
        assert x.value is not None
        formatted(x.name, x.value, x.kind, memory.dtype)
        name = literal(x, memory)
        if name is not None and not x.name.startswith("="):
            value = number(x.value.item(), x.kind, memory.dtype)
            yield f"constexpr {memory.types[x.kind]} {name} = {value};"


def _step(items: Iterable[Any], memory: Memory, processes: Mapping[str, object]) -> Iterator[str]:
    """The body of ``step``."""
    process = None
    for item in items:
        lines = loop(item, memory) if isinstance(item, Loop) else operation(item, memory)
        if item.process != process and lines:
            process = item.process
            yield ""
            yield from comment(*heading(process, processes.get(process)))
        yield from lines
    copies = [*memory.first, *memory.late]
    if copies:
        yield ""
        yield from comment("What is sent and carried on.")
    for shape, of, to in copies:
        yield from copied(shape, of, to)


def _reset(state: SavedState, memory: Memory) -> Iterator[str]:
    """What gives a state its value at the beginning."""
    loaded = memory.loaded(state)
    pointer, count = memory.place(loaded).pointer, size(state.shape)
    if np.size(state.initial) == 1:
        value = number(state.initial.item(), state.kind, memory.dtype)
        yield f"std::fill_n({pointer}, {count}, {value});"
    else:
        full = np.broadcast_to(state.initial, state.shape).transpose(memory.order(loaded))
        stored = memory.constant(f"{state.flag}.initial", full, state.kind)
        yield f"std::copy_n({stored}, {count}, {pointer});"


def _state(state: SavedState, memory: Memory) -> str:
    """A line of the table of states."""
    place = memory.place(memory.loaded(state))
    axes, steps = (", ".join(map(str, numbers)) for numbers in (state.shape, place.strides))
    return f"State({text(state.flag)}, {{{axes}}}, {{{steps}}}, {place.pointer}),"
