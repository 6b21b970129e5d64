"""The source of a network's loop, written process by process, and the arrays it works on."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.forms import PythonCall
from bidl_sim.engines.kernels.compile import compiled, module_name

HELPERS = (
    "add, collect, collect_spikes, copy, largest, note, poisson_counts, poisson_spikes, products, "
    "put, spread, spread_by_step, spread_delayed, spread_dense, squares_over_their_sum"
)


@dataclass
class Loop:
    """A loop being written.

    Its body is divided into ``parts`` by the ``calls`` of Python code, by path: where one is due,
    the loop is left, and entered again at the part that follows.

    ``arrays`` are the arguments of the loop by name; ``rings`` and ``states`` name those that a run
    goes on from, by path; ``transposed`` states are held by source here, by target elsewhere.
    ``scratch`` are those that hold something within a step only. ``dense`` and ``events`` name what
    is recorded, by path.
    """

    circuit: Circuit
    imports: list[str] = field(default_factory=list)
    views: list[str] = field(default_factory=list)
    guards: list[str] = field(default_factory=list)
    parts: list[list[str]] = field(default_factory=lambda: [[]])
    calls: list[tuple[str, PythonCall]] = field(default_factory=list)
    arrays: dict[str, Any] = field(default_factory=dict)
    scratch: set[str] = field(default_factory=set)
    states: dict[str, str] = field(default_factory=dict)
    transposed: set[str] = field(default_factory=set)
    rings: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    played: dict[str, str] = field(default_factory=dict)
    bases: dict[str, str] = field(default_factory=dict)
    dense: dict[str, str] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    _names: dict[str, str] = field(default_factory=dict)
    _function: Callable[..., tuple[int, int]] | None = None

    def name(self, path: str) -> str:
        """A variable name for a path."""
        if path not in self._names:
            self._names[path] = f"a{len(self._names)}"
        return self._names[path]

    def argument(self, path: str, array: Any) -> str:
        """Make an array (or a number) an argument of the loop; returns its variable."""
        name = self.name(path)
        self.arrays[name] = array
        return name

    def workspace(self, path: str, size: int, kind: Any) -> str:
        """An argument whose values nobody asks for in a later step; returns its variable."""
        name = self.argument(path, np.zeros(size, kind))
        self.scratch.add(name)
        return name

    def spikes(self, port: str, size: int) -> str:
        """Spikes of one step, a byte each; ``<variable>_eights`` are the same bytes by eights."""
        name = self.name(port)
        self.arrays[f"{name}_eights"] = np.zeros(-(-size // 8), np.uint64)
        self.scratch.add(f"{name}_eights")
        self.views.append(f"{name} = {name}_eights.view(np.uint8)[:{size}]")
        return name

    def scratch_arrays(self, threads: int) -> list[dict[str, Any]]:
        """Scratch for each thread, of which the first works in the loop's own."""
        own = {name: self.arrays[name] for name in self.scratch}
        return [own] + [
            {name: np.zeros(array.shape, array.dtype) for name, array in own.items()}
            for _ in range(1, threads)
        ]

    def import_from(self, source: str, name: str) -> str:
        """Make a function of a module with this source callable; returns its variable."""
        compiled(source, name)
        variable = f"{name}_{len(self.imports)}"
        self.imports.append(f"from {module_name(source)} import {name} as {variable}")
        return variable

    def write(self, *statements: str) -> None:
        """Append statements to the body of the loop."""
        self.parts[-1].extend(statements)

    def leave(self, path: str, call: PythonCall) -> None:
        """Leave for Python code in steps in which it is due; what is written next follows it."""
        self.calls.append((path, call))
        self.write(f"if t % {call.every} == 0:", f"    return k, {len(self.calls)}")
        self.parts.append([])

    def size(self, port: str) -> int:
        """How many values a port carries."""
        return math.prod(self.circuit.signals[port].shape)

    def row(self, port: str, delay: int = 0) -> str:
        """What arrives at a port ``delay`` steps from now."""
        ring = self.rings[port]
        when = f"t + {delay}" if delay else "t"
        return f"{ring}[({when}) % {ring}.shape[0]]"

    @property
    def waiting(self) -> dict[str, str]:
        """The rings that hold something between steps."""
        return {p: name for p, name in self.rings.items() if len(self.arrays[name]) > 1}

    @property
    def function(self) -> Callable[..., tuple[int, int]]:
        """The compiled loop: (first step, place in the arrays, steps, part, arrays...).

        It begins the first step at that part, and returns how many steps are done and the part of
        the next one to go on at: 0, or the number of a call, counted from 1, that is now due.
        """
        if self._function is None:
            self._function = compiled(self.source, "run")
        return self._function

    @property
    def source(self) -> str:
        """The whole module."""
        kernels = Path(__file__).with_name("kernels.py").read_bytes()
        version = hashlib.blake2b(kernels, digest_size=8).hexdigest()  # compiled code holds them
        lines = [
            f"# kernels {version}",
            "import numpy as np",
            f"from bidl_sim.engines.event.kernels import {HELPERS}",
            *self.imports,
            "",
            "",
            f"def run(first, at, steps, part, {', '.join(self.arrays)}):",
            *(f"    {line}" for line in self.views),
            "    for k in range(steps):",
            "        t = first + k",
            *(f"        {line}" for line in self._step()),
            "    return steps, 0",
            "",
        ]
        return "\n".join(lines)

    def _step(self) -> list[str]:
        """One step, of which a first one may begin at a later part."""
        *early, last = [*self.guards, *self.parts[0]], *self.parts[1:]
        written = []
        for number, part in enumerate(early):
            written += [f"if part <= {number}:", *(f"    {line}" for line in part)]
        return [*written, *last, "part = 0"]
