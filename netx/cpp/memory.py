"""Which array each tensor of a step graph lives in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bidl_sim.netx.cpp.layout import IMAGE, Place, images, in_order, reshaped, size, strides
from bidl_sim.netx.cpp.plan import Item, Loop, operands
from bidl_sim.netx.cpp.weights import formatted
from bidl_sim.netx.cpp.words import FORMATS, TYPES, Names
from bidl_sim.netx.step.graph import Node, SavedState, StepGraph, Tensor
from bidl_sim.typing import Array, Shape

VIEWS = ("slice", "reshape", "gather")
"""What need not move anything."""


class Memory:
    """Arrays and where tensors are in them.

    What is made within a loop and read nowhere else has no array. A state is changed where it
    stands if nothing reads its old value after the loop that makes the new one; otherwise the new
    value is copied at the end of the step.

    Attributes
    ----------
    arrays
        Those that change, by identifier: C++ type and size.
    constants
        Those that do not, by identifier, as they stand in the file of weights.
    late
        Copies at the end of a step: shape, from, to. Those of ``first`` go before, for they save
        old values of other states.
    """

    def __init__(self, graph: StepGraph, items: Sequence[Item], dtype: str) -> None:
        self.graph, self.dtype = graph, dtype
        self.types = {**TYPES, "float": FORMATS[dtype]}
        self.names = Names()
        self.arrays: dict[str, tuple[str, int]] = {}
        self.constants: dict[str, Array] = {}
        self.first: list[tuple[Shape, Place, Place]] = []
        self.late: list[tuple[Shape, Place, Place]] = []
        self._images = images(graph)
        self._places: dict[Tensor, Place] = {}
        self._old: set[Tensor] = set()
        self._readers = _readers(graph, items)
        self._loaded = {n.attributes["flag"]: n.output for n in graph.nodes if n.op == "load"}
        for x in graph.inputs.values():
            self._places[x] = Place(f"in.{self.names[x.name]}", strides(x.shape))
        for state in graph.states:
            loaded = self.loaded(state)
            self._old.add(loaded)
            self._places[loaded] = self.new(state.flag, loaded)
        saved = {}
        for state in reversed(graph.states):
            saved[graph.saved()[state.flag]] = state
        for k, item in enumerate(items):
            self._arrange(k, item, saved)
        self._end()

    def loaded(self, state: SavedState) -> Tensor:
        """What a state holds when the step begins."""
        x = self._loaded[state.flag]
        assert x is not None
        return x

    def order(self, x: Tensor) -> tuple[int, ...]:
        """The axes of a tensor, the slowest first."""
        return IMAGE if x in self._images else tuple(range(len(x.shape)))

    def place(self, x: Tensor) -> Place:
        """Where a tensor is; a constant is put into the weights."""
        if x not in self._places:
            assert x.value is not None
            value = np.asarray(x.value).reshape(x.shape)
            stored = self.constant(x.name, value.transpose(self.order(x)), x.kind)
            self._places[x] = Place(stored, strides(x.shape, self.order(x)))
        return self._places[x]

    def constant(self, name: str, value: Array, kind: str = "float") -> str:
        """Put an array into the weights, in C order; returns what C++ calls it."""
        given = formatted(name, value, kind, self.dtype)
        self.constants[self.names[name]] = given
        return f"w.{self.names[name]}"

    def has_place(self, x: Tensor) -> bool:
        """Whether a tensor stands in an array at all."""
        return x in self._places

    def output(self, x: Tensor) -> Place:
        """Where an output is when the step ends, in C order."""
        place = self.place(x)
        lasting = x.value is None and x not in self._old and not place.pointer.startswith("in.")
        return place if lasting and in_order(x.shape, place) else self._kept(x)

    def new(self, name: str, x: Tensor) -> Place:
        """An array of its own for a tensor."""
        identifier = self.names[name]
        self.arrays[identifier] = (self.types[x.kind], size(x.shape))
        return Place(f"m.{identifier}", strides(x.shape, self.order(x)))

    def _kept(self, x: Tensor) -> Place:
        """A copy in C order, made before states are."""
        identifier = self.names[f"{x.name}.sent"]
        self.arrays[identifier] = (self.types[x.kind], size(x.shape))
        kept = Place(f"m.{identifier}", strides(x.shape))
        self.first.append((x.shape, self.place(x), kept))
        return kept

    def _arrange(self, k: int, item: Item, saved: dict[Tensor, SavedState]) -> None:
        """Give places to what an item makes."""
        if isinstance(item, Loop):
            for x in item.made:
                if x in saved and self._in_place(saved[x], k):
                    self._places[x] = self._places[self.loaded(saved[x])]
                elif any(reader != k for reader in self._readers.get(x, ())):
                    self._places[x] = self.new(x.name, x)
            return
        sent = item.output
        assert sent is not None
        view = self._view(item)
        self._places[sent] = view or self.new(sent.name, sent)
        if view and item.inputs[0] in self._old:
            self._old.add(sent)

    def _in_place(self, state: SavedState, k: int) -> bool:
        """Whether the loop at ``k`` is the last that reads the old value."""
        readers = self._readers.get(self.loaded(state), [])
        return all(0 <= reader <= k for reader in readers)

    def _view(self, node: Node) -> Place | None:
        """Where the result of an operation is, if that is where its operand is."""
        assert node.output is not None
        if node.op not in VIEWS:
            return None
        x = node.inputs[0]
        if node.op == "slice":
            return self.place(x).moved(node.attributes["axis"], node.attributes["start"])
        if node.op == "reshape":
            return reshaped(x.shape, self.place(x), node.output.shape)
        return Place(self.names[f"{node.output.name}.row"], strides(node.output.shape))

    def _end(self) -> None:
        """Note the copies that are left to do."""
        for state in self.graph.states:
            x, old = self.graph.saved()[state.flag], self.loaded(state)
            target, source = self._places[old], self.place(x)
            if x is old or source == target:
                continue
            if x in self._old:
                passing = self.new(f"{state.flag}.next", old)
                self.first.append((x.shape, source, passing))
                source = passing
            self.late.append((x.shape, source, target))


def _readers(graph: StepGraph, items: Sequence[Item]) -> dict[Tensor, list[int]]:
    """Which items read each tensor; at -1 what passes on a view, and the end of the step."""
    found: dict[Tensor, list[int]] = {}
    for k, item in enumerate(items):
        for node in item.nodes if isinstance(item, Loop) else (item,):
            for x in operands(node):
                found.setdefault(x, []).append(-1 if node.op in VIEWS else k)
    ends = [node.inputs[0] for node in graph.nodes if node.op == "save"]
    for x in (*ends, *graph.outputs.values()):
        found.setdefault(x, []).append(-1)
    return found
