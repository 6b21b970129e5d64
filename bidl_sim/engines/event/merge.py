"""Linear maps one after another become one, so that a spike goes through all of them at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_matrix

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.flatten import Edge
from bidl_sim.core.forms import Rows
from bidl_sim.engines.event.roles import Role


def merge_maps(
    circuit: Circuit, roles: Mapping[str, Role], looked_at: Collection[str]
) -> tuple[dict[str, Role], list[Edge]]:
    """Roles and edges without the maps that only feed one other map.

    Maps are merged where no delay and no step is involved and nobody looks at the ports between
    them.
    """
    kept, edges = dict(roles), list(circuit.edges)
    for edge in circuit.edges:
        first, second = kept.get(edge.source), kept.get(edge.target)
        ports = {f"{edge.source}.{edge.source_port}", f"{edge.target}.{edge.target_port}"}
        outs = [e for e in edges if e.source == edge.source]
        ins = [e for e in edges if e.target == edge.target]
        if not (isinstance(first, Rows) and isinstance(second, Rows)):
            continue
        if len(outs) > 1 or len(ins) > 1 or ports & set(looked_at) or _late(edge, first, second):
            continue
        ports_out = circuit.processes[edge.target].out_specs
        size = int(np.prod(circuit.signals[f"{edge.target}.{next(iter(ports_out))}"].shape))
        kept[edge.target] = _one_after_another(first, second, size)
        del kept[edge.source]
        edges = [
            replace(e, target=edge.target, target_port=edge.target_port)
            if e.target == edge.source
            else e
            for e in edges
            if e.source != edge.source
        ]
    return kept, edges


def _late(edge: Edge, *maps: Rows) -> bool:
    return bool(edge.delay or any(rows.delay.any() or rows.weight.ndim > 1 for rows in maps))


def _one_after_another(first: Rows, second: Rows, size: int) -> Rows:
    a, b = _matrix(first, len(second.offsets) - 1), _matrix(second, size)
    product = (a @ b).tocsr()
    constants = [] if first.constant is None else [b.T @ first.constant.ravel()]
    constants += [] if second.constant is None else [second.constant.ravel()]
    constant = np.sum(constants, axis=0) if constants else None
    no_delay = np.zeros((), np.int64)
    return Rows(product.indptr, product.indices, product.data, no_delay, constant)


def _matrix(rows: Rows, size: int) -> csr_matrix:
    """``(in, out)``, in double precision."""
    weight = np.broadcast_to(rows.weight.ravel(), rows.targets.shape).astype(np.float64)
    return csr_matrix((weight, rows.targets, rows.offsets), (len(rows.offsets) - 1, size))
