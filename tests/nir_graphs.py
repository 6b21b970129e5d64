"""NIR graphs to test with."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bidl_sim.netx.nir.file import Graph, Node

DT = 0.002


def node(kind: str, metadata=None, **fields) -> Node:
    values = {n: v if isinstance(v, str) else np.asarray(v) for n, v in fields.items()}
    return Node(kind.lower(), kind, values, metadata or {})


def chain(shape, *nodes, out=None, metadata=None) -> Graph:
    """Input, nodes n0, n1, ..., Output."""
    inner = {f"n{k}": n for k, n in enumerate(nodes)}
    ends = {"input": node("Input", shape=shape), "output": node("Output", shape=out or shape)}
    names = ["input", *inner, "output"]
    edges = tuple(pairwise(names))
    return Graph("a.nir: /node", {**ends, **inner}, edges, metadata or {})


FIELDS = {
    "tau": [0.01, 0.02, 0.005],
    "tau_syn": [0.004, 0.01, 0.008],
    "tau_mem": [0.01, 0.02, 0.005],
    "r": [1.5, 2.0, 0.7],
    "v_leak": [0.1, -0.2, 0.0],
    "w_in": [2.0, 1.0, 3.0],
    "v_threshold": [0.5, 0.3, 0.6],
    "v_reset": [0.0, -0.1, 0.2],
}
NEURONS = {
    "I": ("r",),
    "IF": ("r", "v_threshold", "v_reset"),
    "LI": ("tau", "r", "v_leak"),
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak", "w_in"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "w_in", "v_threshold", "v_reset"),
}


def neuron(kind: str, **more) -> Node:
    return node(kind, **{name: FIELDS[name] for name in NEURONS[kind]}, **more)


def recurrent(weight, bias, kind="Affine", **more) -> dict[str, Node]:
    return {
        "lif": neuron("LIF"),
        "rec": node(kind, weight=weight, bias=bias, **more),
    }


def everything() -> Graph:
    """All node types, a graph in a graph with a loop, metadata of others."""
    rng = np.random.default_rng(5)
    kept = {"author": "somebody", "gain": np.float32(0.1), "rates": np.arange(3, dtype=np.int16)}
    inner = Graph(
        "inner",
        {
            "input": node("Input", shape=(3,)),
            "output": node("Output", shape=(3,)),
            **recurrent(rng.normal(size=(3, 3)).astype(np.float32), np.zeros(3), metadata=kept),
        },
        (("input", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "output")),
        {"word": "one"},
    )
    images = {
        "conv2d": node(
            "Conv2d", weight=rng.normal(size=(2, 1, 3, 3)).astype(np.float32), bias=np.ones(2),
            stride=[1, 1], padding=[1, 1], dilation=[1, 1], groups=np.int64(1), input_shape=[6, 6],
        ),
        "sum": node("SumPool2d", kernel_size=[2, 2], stride=[2, 2], padding=[0, 0]),
        "mean": node("AvgPool2d", kernel_size=[3, 3], stride=[1, 1], padding=[1, 1]),
        "rows": node("Flatten", start_dim=1, end_dim=-1, input_type=[2, 3, 3]),
        "conv1d": node(
            "Conv1d", weight=rng.normal(size=(1, 2, 7)), bias=np.zeros(1), stride=np.int64(1),
            padding=np.int64(0), dilation=np.int64(1), groups=np.int64(1), input_shape=np.int64(9),
        ),
        "flat": node("Flatten", start_dim=0, end_dim=-1, input_type=[1, 3]),
        "wait": node("Delay", delay=[0.0, DT, 2 * DT]),
        "scale": node("Scale", scale=[2.0, 1.0, 3.0]),
        "affine": node("Affine", weight=rng.normal(size=(3, 3)), bias=rng.normal(size=3)),
    }  # fmt: skip
    neurons = {kind: neuron(kind) for kind in NEURONS}
    threshold = {"above": node("Threshold", threshold=np.float32([0.1, 0.2, 0.3]))}
    row = [*images.values(), *neurons.values(), *threshold.values(), inner]
    graph = chain((1, 6, 6), *row, out=(3,), metadata=kept)
    extra = {"linear": node("Linear", weight=np.eye(3)), "second": node("Output", shape=(3,))}
    edges = (*graph.edges, ("n8", "linear"), ("linear", "second"))
    return Graph(graph.where, {**graph.nodes, **extra}, edges, graph.metadata)
