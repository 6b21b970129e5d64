"""What other libraries make of a NIR file: one dense layer and neurons, as each computes them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bidl_sim.netx.nir.file import Graph


def norse(kind: str, f: dict, dt: float) -> Callable:
    assert not np.any(f["v_reset"])

    def step(x, i, v):
        if kind == "IF":
            v = v + x
        elif kind == "LIF":  # r is not looked at
            v = v + dt / f["tau"] * (x + f["v_leak"] - v)
        else:
            i = i + dt / f["tau_syn"] * (f["v_leak"] - i + f["w_in"] * x)
            v = v + dt / f["tau_mem"] * (f["v_leak"] - v + f["r"] * i)
        s = v > f["v_threshold"]
        return s, i, np.where(s, 0.0, v)

    return step


def snntorch(kind: str, f: dict, dt: float) -> Callable:
    assert kind != "IF"  # it would leak
    assert not np.any(f["v_leak"])
    assert not np.any(f["v_reset"])
    dt = 1e-4
    if kind == "LIF":
        alpha, beta, gain = 0.0, 1 - dt / f["tau"], f["r"] * dt / f["tau"]
    else:
        alpha, beta = 1 - dt / f["tau_syn"], 1 - dt / f["tau_mem"]
        np.testing.assert_allclose(f["r"], f["tau_mem"] / dt)
        gain = f["w_in"] * dt / f["tau_syn"]
    (threshold,) = np.unique(f["v_threshold"] / gain)

    def step(x, i, v):
        i = alpha * i + x
        v = beta * v + i
        s = v > threshold
        return s, i, np.where(s, 0.0, v)

    return step


def spikingjelly(kind: str, f: dict, dt: float) -> Callable:
    one = {name: float(np.unique(value).item()) for name, value in f.items()}
    assert one["v_reset"] == one.get("v_leak", 0.0) == 0

    def step(x, i, v):
        if kind == "IF":
            np.testing.assert_allclose(one["r"], 1 / dt, rtol=1e-6)
            v = v + x
        elif kind == "LIF":
            tau = one["tau"] / dt
            assert tau > 1
            np.testing.assert_allclose(min(abs(one["r"] - 1), abs(one["r"] - tau)), 0, atol=1e-6)
            v = v + (x - v) / tau if abs(one["r"] - 1) < 1e-6 else v - v / tau + x
        else:
            np.testing.assert_allclose(one["r"], one["tau_mem"] / dt, rtol=1e-6)
            np.testing.assert_allclose(one["w_in"], one["tau_syn"] / dt, rtol=1e-6)
            i = (1 - dt / one["tau_syn"]) * i + x
            v = (1 - dt / one["tau_mem"]) * v + i
        s = v >= one["v_threshold"]
        return s, i, np.where(s, one["v_reset"], v)

    return step


def sinabs(kind: str, f: dict, dt: float) -> Callable:
    assert "v_reset" not in f  # nir 1.0.4 does not know it
    keep = np.exp(-1 / f["tau"]) if "tau" in f else 1.0

    def step(x, i, v):
        v = keep * v + x  # r is not looked at
        if kind == "LI":
            return v, i, v
        s = np.where(v > 0, np.trunc(v / f["v_threshold"]), 0.0)
        v = v - s * f["v_threshold"]
        return s, i, np.maximum(v, -f["v_threshold"]) if kind == "IF" else v

    return step


READERS = {f.__name__: f for f in (norse, sinabs, snntorch, spikingjelly)}


def run(library: str, graph: Graph, x, dense: str, neurons: str):
    """What comes out of a dense layer and neurons, in float64; x is (time, values)."""
    weights, node = graph.nodes[dense], graph.nodes[neurons]
    fields = {name: np.asarray(value, float) for name, value in node.fields.items()}
    step = READERS[library](node.kind, fields, float(graph.metadata["bidl_dt"]))
    i = v = np.zeros(len(weights.fields["weight"]))
    out = []
    for frame in x:
        current = weights.fields["weight"] @ frame + weights.fields["bias"]
        s, i, v = step(current, i, v)
        out.append(s)
    return np.array(out, float)
