"""Synapses held once where those of several sources are alike."""

from __future__ import annotations

import numpy as np
import pytest

from bidl_sim import Network
from bidl_sim.core.forms import Rows
from bidl_sim.engines.event.repeats import Table, without_repeats
from bidl_sim.processes import Conv2d, Input, Sparse


def rows_of(process, shape) -> Rows:
    circuit = Network.sequential(Input(shape), process).build()
    path = next(p for p in circuit.processes if p.startswith(("conv", "sparse")))
    return process.event_form(process.parameters(), circuit.main_signal(path))


def matrix(rows: Rows, found: Table) -> tuple[np.ndarray, np.ndarray]:
    """``(in, out)`` of both."""
    size = rows.targets.max() + 1
    both = np.zeros((2, len(found.count), size))
    weight = np.broadcast_to(rows.weight.ravel(), rows.targets.shape)
    own = np.broadcast_to(found.weight, found.targets.shape)
    for i in range(len(found.count)):
        k = slice(rows.offsets[i], rows.offsets[i + 1])
        both[0, i, rows.targets[k]] += weight[k]
        k = slice(found.first[i], found.first[i] + found.count[i])
        both[1, i, found.base[i] + found.targets[k]] += own[k]
    return both[0], both[1]


@pytest.mark.parametrize(
    ("stride", "padding", "kinds"),
    [(1, 0, 25), (1, 1, 9), (3, 0, 9)],  # places of a kernel's window at borders, or of a stride
)
def test_a_convolution_holds_its_kernels_only(stride, padding, kinds, rng) -> None:
    weight = rng.normal(0, 1, (4, 2, 3, 3))
    conv = Conv2d(2, 4, 3, stride=stride, padding=padding, weight=weight, bias=False)
    rows = rows_of(conv, (2, 15, 18))
    found = without_repeats(rows)
    np.testing.assert_array_equal(*matrix(rows, found))
    pairs = set(zip(found.first.tolist(), found.count.tolist(), strict=True))
    assert len(pairs) == 2 * kinds
    assert len(found.targets) == sum(count for _, count in pairs)


@pytest.mark.parametrize("weight", [np.array([0.5]), np.arange(9.0)])
def test_sources_without_synapses_and_weights_in_common(weight) -> None:
    targets = np.array([0, 2, 1, 3, 2, 4, 3, 5, 4], np.int32)
    rows = Rows(np.array([0, 0, 2, 4, 6, 8, 8, 9]), targets, weight, np.zeros((), np.int64))
    found = without_repeats(rows)
    np.testing.assert_array_equal(*matrix(rows, found))
    assert len(found.targets) == (3 if weight.size == 1 else 9)


def test_random_synapses_stay_as_they_are() -> None:
    rows = rows_of(Sparse.fixed_probability(200, 200, 0.1, seed=3), (200,))
    assert without_repeats(rows).targets is rows.targets


def test_no_synapses() -> None:
    none = np.zeros(0)
    rows = Rows(np.zeros(4, np.int64), none.astype(np.int32), none, np.zeros((), np.int64))
    assert without_repeats(rows).count.tolist() == [0, 0, 0]
