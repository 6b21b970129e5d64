"""Who is connected to whom in a network, in the form that other simulators take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.network import Network
from bidl_sim.processes import Dense, Sparse
from bidl_sim.typing import Array


@dataclass(frozen=True)
class Synapses:
    """Connections one by one: neurons counted over all populations, weights, a delay in steps."""

    source: str
    target: str
    pre: Array
    post: Array
    weight: Array
    delay: int

    def by_source(self, size: int) -> tuple[Array, Array, Array]:
        """Compressed rows over all neurons: offsets ``(size + 1,)``, targets and weights."""
        order = np.argsort(self.pre, kind="stable")
        offsets = np.searchsorted(self.pre[order], np.arange(size + 1))
        return offsets, self.post[order], self.weight[order]


class Wiring:
    """A network of populations joined by `Sparse` and `Dense` synapses.

    Attributes
    ----------
    slices
        The place of each population among all neurons in a row.
    size
        All neurons.
    v
        Their first potentials.
    """

    def __init__(self, net: Network) -> None:
        circuit = net.build()
        self.slices: dict[str, slice] = {}
        self.size = 0
        first = []
        for path, process in circuit.processes.items():
            if hasattr(process, "v_th"):
                n = int(np.prod(circuit.signals[f"{path}.s_out"].shape))
                self.slices[path] = slice(self.size, self.size + n)
                self.size += n
                first.append(np.broadcast_to((process.initial or {}).get("v", 0.0), n))
        self.v = np.concatenate(first)
        self.synapses = tuple(
            self._synapses(circuit, path)
            for path, process in circuit.processes.items()
            if isinstance(process, Sparse | Dense)
        )

    def _synapses(self, circuit: Circuit, path: str) -> Synapses:
        source = next(e.source for e in circuit.edges if e.target == path)
        edge = next(e for e in circuit.edges if e.source == path)
        process: Any = circuit.processes[path]
        if isinstance(process, Sparse):
            pre = np.repeat(np.arange(process.in_features), np.diff(process.offsets))
            post = process.targets
            weight = np.broadcast_to(process.weight, post.shape)
        else:
            pre, post = (k.ravel() for k in np.indices(process.weight.T.shape))
            weight = process.weight.T.ravel()
        pre = (pre + self.slices[source].start).astype(np.int32)
        post = (post + self.slices[edge.target].start).astype(np.int32)
        return Synapses(source, edge.target, pre, post, weight, edge.delay)

    def joined(self, source: str | None = None, target: str | None = None) -> Synapses:
        """Connections from and to a population, or from and to all, in one."""
        chosen = [
            s for s in self.synapses if source in (None, s.source) and target in (None, s.target)
        ]
        pre, post, weight = (
            np.concatenate([getattr(s, name) for s in chosen]) for name in ("pre", "post", "weight")
        )
        return Synapses(source or "", target or "", pre, post, weight, chosen[0].delay)
