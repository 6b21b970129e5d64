"""What makes two networks different."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bidl_sim.core.network import Network
from bidl_sim.netx.graph import to_record
from bidl_sim.netx.schema import NetworkRecord, ProcessRecord


def differences(one: Network, other: Network) -> Iterator[str]:
    """Each difference in a line, processes first, in the order of the first network.

    Compared are processes, their types, options, parameters and initial states to the bit, and
    connections; not the seed, and not what is kept beside the networks.
    """
    one.build()
    other.build()
    yield from networks("", to_record(one), to_record(other))


def networks(path: str, one: NetworkRecord, other: NetworkRecord) -> Iterator[str]:
    """The differences of two networks that stand at a path."""
    first = {p.name: p for p in one.processes}
    second = {p.name: p for p in other.processes}
    for name in [*first, *(n for n in second if n not in first)]:
        where = f"{path}{name}"
        if name not in second:
            yield f"{where}: only in the first, a {first[name].type}"
        elif name not in first:
            yield f"{where}: only in the second, a {second[name].type}"
        else:
            yield from _processes(where, first[name], second[name])
    for what in ("connections", "references", "exposed"):
        before, after = set(getattr(one, what)), set(getattr(other, what))
        yield from (f"{path or 'network'}: {item} only in the first" for item in before - after)
        yield from (f"{path or 'network'}: {item} only in the second" for item in after - before)


def _processes(where: str, one: ProcessRecord, other: ProcessRecord) -> Iterator[str]:
    if one.type != other.type:
        yield f"{where}: {one.type} in the first, {other.type} in the second"
        return
    yield from _options(where, one.options, other.options)
    for kind in ("parameters", "initial"):
        before, after = getattr(one, kind), getattr(other, kind)
        for name in {**before, **after}:
            yield from _arrays(f"{where}.{name}", before.get(name), after.get(name))
    if one.network is not None and other.network is not None:
        yield from networks(f"{where}.", one.network, other.network)


def _options(where: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    for name in {**one, **other}:
        before, after = one.get(name), other.get(name)
        if before != after:
            yield f"{where}, {name}: {before!r} in the first, {after!r} in the second"


def _arrays(where: str, one: Any, other: Any) -> Iterator[str]:
    if one is None or other is None:
        yield f"{where}: only in the {'second' if one is None else 'first'}"
    elif one.shape != other.shape:
        yield f"{where}: of shape {one.shape} in the first, {other.shape} in the second"
    elif not np.array_equal(one, other):
        places = np.argwhere(np.asarray(one != other))
        place = tuple(map(int, places[0]))
        yield (
            f"{where}{list(place) or ''}: {one[place]} in the first, {other[place]} in the second; "
            f"{len(places)} of {one.size} differ"
        )
