"""Networks in native files."""

from __future__ import annotations

import json
import math
from pathlib import Path

from bidl_sim.core.network import Network
from bidl_sim.errors import BidlError, FormatError
from bidl_sim.netx import file
from bidl_sim.netx.graph import to_network, to_record
from bidl_sim.netx.schema import ModelRecord

MAX_VALUES = 2**26
"""No port of a network from a file carries more values, whatever shape the file declares."""


def save(network: Network, path: str | Path) -> None:
    """Write a network, with its metadata, to a native file."""
    network.build()
    try:
        json.dumps(network.metadata, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise FormatError("netx.save, metadata", f"must be what JSON can say: {error}") from None
    file.write(ModelRecord(to_record(network), network.metadata), path)


def load(path: str | Path) -> Network:
    """Read a network from a native file.

    Raises `FormatError`, which names the field, for anything that is damaged, foreign or unsafe.
    """
    record = file.read(path)
    network = to_network(record.network, f"{path}: /network")
    try:
        circuit = network.build()
    except BidlError as error:
        raise FormatError(f"{path}: /network", str(error)) from None
    for port, signal in circuit.signals.items():
        if math.prod(signal.shape) > MAX_VALUES:
            raise FormatError(
                f"{path}: /network",
                f"{port} would carry values of shape {signal.shape}, more than {MAX_VALUES}",
            )
    network.metadata = record.metadata
    return network
