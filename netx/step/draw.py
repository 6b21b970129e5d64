"""A step graph as a picture: Graphviz's language, which ``dot -Tsvg`` draws."""

from __future__ import annotations

import json

from bidl_sim.netx.step.graph import Node, StepGraph, Tensor


def dot(graph: StepGraph) -> str:
    """Processes as boxes around their operations; loads and saves stand out, constants do not show.

    Accumulators over time, and the head behind them, say so.

    A dashed line leads from each save back to its load: the next timestep.
    """
    makers = {node.output: f"n{k}" for k, node in enumerate(graph.nodes) if node.output}
    makers.update({x: f"in{k}" for k, x in enumerate(graph.inputs.values())})
    lines = ["digraph step {", "  rankdir=LR; node [shape=box];"]
    lines += [f"  in{k} [label={_text(name)}, shape=oval];" for k, name in enumerate(graph.inputs)]
    for k, process in enumerate(dict.fromkeys(node.process for node in graph.nodes)):
        own = [f"    n{j} {_look(n)};" for j, n in enumerate(graph.nodes) if n.process == process]
        role = " (accumulator)" if process in graph.accumulators else ""
        role = role or (" (head)" if process in graph.head else "")
        lines += [f"  subgraph cluster{k} {{ label={_text(process + role)};", *own, "  }"]
    for j, node in enumerate(graph.nodes):
        lines += [f"  {makers[x]} -> n{j} {_said(x)};" for x in node.inputs if x.value is None]
    for name, x in graph.outputs.items():
        lines += [f"  {_text(f'out {name}')} [label={_text(name)}, shape=oval];"]
        lines += [f"  {makers[x]} -> {_text(f'out {name}')} {_said(x)};"] if x in makers else []
    loads = {n.attributes["flag"]: j for j, n in enumerate(graph.nodes) if n.op == "load"}
    saves = {n.attributes["flag"]: j for j, n in enumerate(graph.nodes) if n.op == "save"}
    lines += [f"  n{saves[f]} -> n{j} [style=dashed, constraint=false];" for f, j in loads.items()]
    return "\n".join([*lines, "}", ""])


def _look(node: Node) -> str:
    if "flag" in node.attributes:
        label = _text(f"{node.op} {node.attributes['flag']}")
        return f"[label={label}, style=filled, fillcolor=lightgrey]"
    return f"[label={_text(node.op)}]"


def _said(x: Tensor) -> str:
    return f"[label={_text(' x '.join(map(str, x.shape)))}]"


def _text(value: str) -> str:
    """A string in quotes."""
    return json.dumps(value, ensure_ascii=False)
