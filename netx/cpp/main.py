"""The program around a generated network: frames in, rows out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import Template

from bidl_sim.netx.cpp.layout import size
from bidl_sim.netx.cpp.words import FORMATS, TYPES, Names
from bidl_sim.netx.step.graph import StepGraph, Tensor
from bidl_sim.typing import Shape

TEXT = Path(__file__).parent / "files" / "main.cpp.in"

FRAMES = "frames, .npy or raw, from a file, or - for stdin"
STEPS = "a number of steps, for the network has no inputs"


def main(graph: StepGraph, dtype: str) -> str:
    """The text of main.cpp."""
    inputs, outputs = list(graph.inputs.values()), list(graph.outputs.values())
    names = Names()
    writes = [
        f"    writer.write(out.{names[name]}, {size(x.shape)});"
        for name, x in graph.outputs.items()
    ]
    return Template(TEXT.read_text()).substitute(
        space="model",
        input=FRAMES if inputs else STEPS,
        real=FORMATS[dtype],
        frame=_braced(together(inputs) if inputs else ()),
        sent=_braced(together(outputs)),
        step="\n    ".join(_step(inputs)),
        writes="\n".join(writes),
    )


def together(tensors: Sequence[Tensor]) -> Shape:
    """The shape of one of them, or of several one after another."""
    if len(tensors) == 1:
        return tensors[0].shape or (1,)
    return (sum(size(x.shape) for x in tensors),)


def _step(inputs: Sequence[Tensor]) -> list[str]:
    """Call a step with the parts of a frame; whole numbers are converted first."""
    lines, given, begin = [], [], 0
    for k, x in enumerate(inputs):
        end = begin + size(x.shape)
        if x.kind == "float":
            given.append(f"frame + {begin}" if begin else "frame")
        else:
            whole = f"const std::vector<{TYPES[x.kind]}> in{k}"
            lines.append(f"{whole}(frame + {begin}, frame + {end});")
            given.append(f"in{k}.data()")
        begin = end
    return [*lines, f"out = network.step({{{', '.join(given)}}});"]


def _braced(shape: Shape) -> str:
    return "{" + ", ".join(map(str, shape)) + "}"
