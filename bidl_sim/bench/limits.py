"""The same networks as plain loops written for one network each: what a machine can do.

They use the connections, first values and constants of the networks in `bidl_sim.bench.networks`
and record every spike.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from bidl_sim.bench.networks import chain_weights
from bidl_sim.core.network import Network
from bidl_sim.typing import Array

F = np.float32


@numba.njit
def _cuba(steps, v, g_e, g_i, left, exc, starts, targets, keep, k_e, k_i, d_e, d_i, when, who):  # type: ignore[no-untyped-def]
    found = 0
    size = v.size
    for t in range(steps):
        for n in range(size):
            moved = F(-49) + (v[n] + F(49)) * keep + k_e * g_e[n] + k_i * g_i[n]
            v[n] = F(-60) if left[n] > 0 else moved
            left[n] = max(left[n] - F(1), F(0))
            g_e[n] *= d_e
            g_i[n] *= d_i
        before = found
        for n in range(size):
            if v[n] > F(-50):
                when[found] = t
                who[found] = n
                found += 1
        for k in range(before, found):
            n = who[k]
            v[n] = F(-60)
            left[n] = F(50)
            if n < exc:
                for j in range(starts[n], starts[n + 1]):
                    g_e[targets[j]] += F(1.62)
            else:
                for j in range(starts[n], starts[n + 1]):
                    g_i[targets[j]] -= F(9)
    return found


@numba.njit
def _stdp(  # type: ignore[no-untyped-def]
    steps, v, g_e, g_i, left, exc, starts, targets, keep, k_e, k_i, d_e, d_i, when, who,
    weight, rows, ends, columns, origins, numbers, x, y,
):  # fmt: skip
    """As `_cuba`; ``rows`` and ``columns`` are the learning synapses by source and by target."""
    found = 0
    size = v.size
    for t in range(steps):
        for n in range(size):
            moved = F(-49) + (v[n] + F(49)) * keep + k_e * g_e[n] + k_i * g_i[n]
            v[n] = F(-60) if left[n] > 0 else moved
            left[n] = max(left[n] - F(1), F(0))
            g_e[n] *= d_e
            g_i[n] *= d_i
        for n in range(exc):
            x[n] *= keep
            y[n] *= keep
        before = found
        for n in range(size):
            if v[n] > F(-50):
                when[found] = t
                who[found] = n
                found += 1
        for k in range(before, found):
            n = who[k]
            v[n] = F(-60)
            left[n] = F(50)
            if n < exc:
                for j in range(starts[n], starts[n + 1]):
                    g_e[targets[j]] += F(1.62)
                for j in range(rows[n], rows[n + 1]):
                    g_e[ends[j]] += weight[j]
                    weight[j] = max(weight[j] - F(1.05 * 0.0324) * y[ends[j]], F(0))
            else:
                for j in range(starts[n], starts[n + 1]):
                    g_i[targets[j]] -= F(9)
        for k in range(before, found):
            n = who[k]
            if n < exc:
                for c in range(columns[n], columns[n + 1]):
                    j = numbers[c]
                    weight[j] = min(weight[j] + F(0.0324) * x[origins[c]], F(3.24))
        for k in range(before, found):
            if who[k] < exc:
                x[who[k]] += F(1)
                y[who[k]] += F(1)
    return found


@numba.njit
def _brunel(steps, v, left, exc, starts, targets, keep, jump, table, when, who):  # type: ignore[no-untyped-def]
    found = 0
    size = v.size
    first = np.zeros(steps + 1, np.int64)
    draw = np.uint64(88172645463325252)
    for t in range(steps):
        for n in range(size):
            draw ^= draw << np.uint64(13)
            draw ^= draw >> np.uint64(7)
            draw ^= draw << np.uint64(17)
            v[n] = v[n] * keep + jump * table[draw >> np.uint64(48)]
        if t >= 15:
            for k in range(first[t - 15], first[t - 14]):
                n = who[k]
                weight = jump if n < exc else F(-5) * jump
                for j in range(starts[n], starts[n + 1]):
                    v[np.uint32(targets[j])] += weight
        for n in range(size):
            if left[n] > 0:
                left[n] -= 1
                v[n] = F(10)
            elif v[n] >= F(20):
                v[n] = F(10)
                left[n] = 20
                when[found] = t
                who[found] = n
                found += 1
        first[t + 1] = found
    return found


@numba.njit
def _chain(steps, v, bias, by_source, fired, counts, when, who):  # type: ignore[no-untyped-def]
    found = 0
    arriving = np.zeros(100, F)
    for t in range(steps):
        for p in range(9, -1, -1):  # backwards, so that spikes of the last step are still there
            arriving[:] = F(0)
            if p > 0:
                for k in range(counts[p - 1]):
                    row = by_source[p - 1, fired[p - 1, k]]
                    for n in range(100):
                        arriving[n] += row[n]
            count = 0
            for n in range(100):
                u = v[p, n] + arriving[n]
                if u > F(1):
                    fired[p, count] = n
                    count += 1
                    u = F(0)
                v[p, n] = F(0.9) * u + bias[n]
            counts[p] = count
            for k in range(count):
                when[found] = t
                who[found] = 100 * p + fired[p, k]
                found += 1
    return found


def cuba(net: Network, steps: int) -> Callable[[], int]:
    """A run of the hand-written loop, from the start; it returns the number of spikes."""
    starts, targets, v = _joined(net)
    constants = _constants()
    when, who = _room(len(v), steps)

    def run(steps: int = steps) -> int:
        zeros = [np.zeros(len(v), F) for _ in range(3)]
        exc = net.processes["exc"].n  # type: ignore[attr-defined]
        return int(_cuba(steps, v.copy(), *zeros, exc, starts, targets, *constants, when, who))

    run(1)
    return run


def stdp(net: Network, steps: int) -> Callable[[], int]:
    """As `cuba`."""
    synapse: Any = net.processes["exc_to_exc"]
    starts, targets, v = _joined(net, without="exc_to_exc")
    exc = synapse.in_features
    columns = np.concatenate([[0], np.cumsum(np.bincount(synapse.targets, minlength=exc))])
    numbers = np.argsort(synapse.targets, kind="stable").astype(np.int32)
    origins = np.arange(exc, dtype=np.int32).repeat(np.diff(synapse.offsets))[numbers]
    rows, ends = synapse.offsets.astype(np.int64), synapse.targets.astype(np.int32)
    constants = _constants()
    when, who = _room(len(v), steps)

    def run(steps: int = steps) -> int:
        zeros = [np.zeros(len(v), F) for _ in range(3)]
        traces = [np.zeros(exc, F) for _ in range(2)]
        weight = synapse.weight.astype(F)
        learned = (weight, rows, ends, columns, origins, numbers, *traces)
        arguments = (*zeros, exc, starts, targets, *constants, when, who, *learned)
        return int(_stdp(steps, v.copy(), *arguments))

    run(1)
    return run


def brunel(net: Network, steps: int) -> Callable[[], int]:
    """As `cuba`; its Poisson numbers are drawn from a table of 65 536 quantiles."""
    from bidl_sim.processes.io.poisson import cumulative

    starts, targets, v = _joined(net)
    drive: Any = net.processes["exc_drive"]
    quantiles = (np.arange(65536) + 0.5) / 65536
    table = np.searchsorted(cumulative(float(drive.rate)), quantiles, side="right").astype(F)
    keep, jump = F(math.exp(-0.1 / 20)), F(float(drive.size))
    when, who = _room(len(v), steps)

    def run(steps: int = steps) -> int:
        left = np.zeros(len(v), np.int32)
        exc = net.processes["exc"].n  # type: ignore[attr-defined]
        return int(
            _brunel(steps, v.copy(), left, exc, starts, targets, keep, jump, table, when, who)
        )

    run(1)
    return run


def chain(net: Network, steps: int) -> Callable[[], int]:
    """As `cuba`."""
    bias, weights = chain_weights()
    by_source = np.ascontiguousarray(weights.transpose(0, 2, 1), F)
    when, who = _room(1000, steps, share=0.2)

    def run(steps: int = steps) -> int:
        v = np.tile(bias, (10, 1)).astype(F)
        fired, counts = np.zeros((10, 100), np.int64), np.zeros(10, np.int64)
        return int(_chain(steps, v, bias.astype(F), by_source, fired, counts, when, who))

    run(1)
    return run


def _constants() -> list[Any]:
    """Of `cuba`: what is left of v after a step, what g moves it by, and what is left of g."""
    keep, d_e, d_i = (math.exp(-0.1 / tau) for tau in (20, 5, 10))
    k_e, k_i = 5 / (5 - 20) * (d_e - keep), 10 / (10 - 20) * (d_i - keep)
    return [F(x) for x in (keep, k_e, k_i, d_e, d_i)]


def _joined(net: Network, without: str = "") -> tuple[Array, Array, Array]:
    """Synapses by source over both populations in a row, and first potentials."""
    processes: Any = net.processes
    size = {name: processes[name].n for name in ("exc", "inh")}
    starts, targets = [np.zeros(1, np.int64)], []
    for source in size:
        names = [f"{source}_to_{target}" for target in size]
        maps = [
            (processes[name], shift)
            for name, shift in zip(names, (0, size["exc"]), strict=True)
            if name != without
        ]
        for n in range(size[source]):
            for rows, shift in maps:
                targets.append(rows.targets[rows.offsets[n] : rows.offsets[n + 1]] + shift)
        counts = sum(np.diff(rows.offsets) for rows, _ in maps)
        starts.append(starts[-1][-1] + np.cumsum(counts))
    v = np.concatenate([processes[name].initial["v"] for name in size]).astype(F)
    return np.concatenate(starts), np.concatenate(targets).astype(np.int32), v


def _room(neurons: int, steps: int, share: float = 0.02) -> tuple[Array, Array]:
    """Where spikes are recorded."""
    most = int(neurons * steps * share) + neurons
    return np.zeros(most, np.int32), np.zeros(most, np.int32)
