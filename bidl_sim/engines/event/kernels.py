"""What the compiled loop of a network calls, beside the generated updates.

A port's values of one step are an array; its events are the places that are not zero, first in an
index array. Rows are one step's part of a ring: what will arrive at a port in some step.
"""

from __future__ import annotations

import numpy as np

from bidl_sim.engines.kernels.compile import kept


@kept
def collect(values, events):  # type: ignore[no-untyped-def]
    """Find the places that are not zero; returns how many."""
    found = 0
    for i in range(values.size):
        if values[i] != 0:
            events[found] = i
            found += 1
    return found


@kept
def collect_spikes(flags, eights, events):  # type: ignore[no-untyped-def]
    """As `collect`, of one byte a neuron; ``eights`` are the same bytes, most of them silent."""
    found = 0
    for k in range(eights.size):
        if eights[k] != 0:
            for i in range(8 * k, min(8 * k + 8, flags.size)):
                if flags[i] != 0:
                    events[found] = i
                    found += 1
    return found


@kept
def add(values, row):  # type: ignore[no-untyped-def]
    """All values of a port arrive at another."""
    for i in range(values.size):
        row[i] += values[i]


@kept
def copy(values, row):  # type: ignore[no-untyped-def]
    """All values of a port; plain assignment would compile a check of shapes for seconds."""
    for i in range(values.size):
        row[i] = values[i]


@kept
def spread(  # type: ignore[no-untyped-def]
    number, events, values, spikes, first, count, base, targets, weight, row
):
    """Each event goes through its synapses, in a `Table`, into one row; ``spikes``: all values
    are 1.
    """
    shared = weight.size == 1
    for k in range(number):
        i = events[k]
        size = row.dtype.type(1) if spikes else values[i]
        part = row[base[i] :]
        if shared:
            w = weight[0] * size
            for j in range(first[i], first[i] + count[i]):
                part[np.uint32(targets[j])] += w
        else:
            for j in range(first[i], first[i] + count[i]):
                part[np.uint32(targets[j])] += weight[j] * size


@kept
def spread_delayed(  # type: ignore[no-untyped-def]
    count, events, values, spikes, offsets, targets, weight, delay, ring, now
):
    """As `spread`, each synapse with a delay of its own: into the row of ``now`` plus its delay."""
    shared = weight.size == 1
    rows = ring.shape[0]
    for k in range(count):
        i = events[k]
        size = ring.dtype.type(1) if spikes else values[i]
        for j in range(offsets[i], offsets[i + 1]):
            w = weight[0] if shared else weight[j]
            ring[(now + delay[j]) % rows, targets[j]] += w * size


@kept
def spread_by_step(  # type: ignore[no-untyped-def]
    count, events, values, spikes, offsets, targets, weight, delay, ring, now, late
):
    """As `spread_delayed`, with the weights of the step in which a value arrives at the map's end;
    from there it is ``late`` steps more.
    """
    rows, last = ring.shape[0], weight.shape[0] - 1
    for k in range(count):
        i = events[k]
        size = ring.dtype.type(1) if spikes else values[i]
        for j in range(offsets[i], offsets[i + 1]):
            then = now + delay[j]
            ring[(then + late) % rows, targets[j]] += weight[min(then, last), j] * size


@kept
def spread_dense(count, events, values, spikes, by_source, row):  # type: ignore[no-untyped-def]
    """Each event brings its row of a matrix ``(in, out)``."""
    for k in range(count):
        i = events[k]
        weights = by_source[i]
        if spikes:
            for j in range(row.size):
                row[j] += weights[j]
        else:
            size = values[i]
            for j in range(row.size):
                row[j] += weights[j] * size


@kept
def largest(row, offsets, places, values):  # type: ignore[no-untyped-def]
    """The largest of what arrived at the places of each value."""
    for j in range(values.size):
        best = row[places[offsets[j]]]
        for k in range(offsets[j] + 1, offsets[j + 1]):
            best = max(best, row[places[k]])
        values[j] = best


@kept
def squares_over_their_sum(row, sigma, k, values):  # type: ignore[no-untyped-def]
    """Squares of what arrived, where it is above 0, over sigma and k times their sum."""
    total = row.dtype.type(0)
    for i in range(row.size):
        values[i] = row[i] * row[i] if row[i] > 0 else row.dtype.type(0)
        total += values[i]
    below = sigma + k * total
    for i in range(row.size):
        values[i] /= below


@kept
def products(one, two, first, second, count, scale, values):  # type: ignore[no-untyped-def]
    """Each value is a sum of ``count`` products of what arrived at two ports."""
    for j in range(values.size):
        total = values.dtype.type(0)
        for k in range(j * count, (j + 1) * count):
            total += one[first[k]] * two[second[k]]
        values[j] = total * scale


@kept
def put(row, places, values):  # type: ignore[no-untyped-def]
    """What arrived goes to its places."""
    for i in range(row.size):
        values[places[i]] = row[i]


@kept
def note(count, events, values, step, steps, places, sizes, used):  # type: ignore[no-untyped-def]
    """Record the events of a step."""
    m = used[0]
    for k in range(count):
        steps[m] = step
        places[m] = events[k]
        sizes[m] = values[events[k]]
        m += 1
    used[0] = m


@kept
def uniform(key, gamma, place):  # type: ignore[no-untyped-def]
    """Number ``place`` of a SplitMix64 stream, as `bidl_sim.core.seed.uniforms` has it."""
    x = key + place * gamma
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.float64((x ^ (x >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


@kept
def poisson_spikes(step, base, key, gamma, rate, flags):  # type: ignore[no-untyped-def]
    """A spike where the step's uniform number, in the format of the rate, is below the rate."""
    first = (np.uint64(step) << np.uint64(40)) + np.uint64(base)
    last = rate.size - 1
    for i in range(flags.size):
        u = rate.dtype.type(uniform(key, gamma, first + np.uint64(i)))
        flags[i] = u < rate[min(i, last)]


@kept
def poisson_counts(step, base, key, gamma, below, guide, size, values):  # type: ignore[no-untyped-def]
    """How many entries of the cumulative distribution the step's uniform number reaches."""
    first = (np.uint64(step) << np.uint64(40)) + np.uint64(base)
    scale = values.dtype.type(guide.size - 1)
    for i in range(values.size):
        values[i] = uniform(key, gamma, first + np.uint64(i))
    for i in range(values.size):
        u = values[i]
        k = guide[np.uint32(u * scale)]
        while k < below.size and u >= below[k]:
            k += 1
        values[i] = k * size
