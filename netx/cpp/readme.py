"""The README of a C++ project."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template

from bidl_sim.netx.cpp.main import together
from bidl_sim.netx.step.graph import SavedState, StepGraph, Tensor

TEXT = Path(__file__).parent / "files" / "README.md.in"


def readme(graph: StepGraph, dtype: str) -> str:
    """What the network is, how to build it and how to use it."""
    late = [name for name in graph.outputs if not graph.timed.get(name, True)]
    return Template(TEXT.read_text()).substitute(
        dtype=dtype,
        number="8" if dtype == "float64" else "4",
        inputs="\n".join(_rows(graph.inputs)),
        outputs="\n".join(_rows(graph.outputs)),
        states="\n".join(_rows({s.flag: s for s in graph.states})),
        frame=_shape(together(list(graph.inputs.values()))) if graph.inputs else "none",
        late="".join(f"\n`{n}` counts after a sample's last step: use `--last`." for n in late),
    )


def _rows(tensors: Mapping[str, Tensor | SavedState]) -> Iterator[str]:
    for name, x in tensors.items():
        yield f"| `{name}` | {x.kind} | {_shape(x.shape)} | {math.prod(x.shape):,} |"


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "1"
