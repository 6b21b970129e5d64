"""Model files of ONNX, which are written and not read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

from bidl_sim.core.network import Network
from bidl_sim.errors import FormatError
from bidl_sim.netx.onnx.model import sequence_model, step_model
from bidl_sim.netx.replace import in_place_of
from bidl_sim.netx.step import folded, step_graph


def write(
    net: Network,
    path: str | Path,
    dtype: str = "float32",
    sequence: bool = False,
    fold: bool = False,
) -> None:
    """Write a model of one timestep, or of a whole run: `step_model` and `sequence_model`.

    With ``fold``, what is `folded` into weights is.
    """
    graph = folded(step_graph(net)) if fold else step_graph(net)
    model = (sequence_model if sequence else step_model)(graph, dtype)
    if net.metadata:
        model.metadata_props.add(key="metadata", value=json.dumps(net.metadata, sort_keys=True))
    with in_place_of(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


def read(path: str | Path) -> NoReturn:
    """Refuse: the file holds operations, no processes to simulate or train."""
    raise FormatError(
        str(path),
        "is an ONNX model, which is written and not read",
        "load the file it was written from; any ONNX runtime runs the model itself",
    )
