"""The folder for the Lynxi chip's tools."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.netx.emulator import emulated
from bidl_sim.netx.lynxi import manifest
from bidl_sim.netx.lynxi.layout import held_shape
from bidl_sim.netx.lynxi.limits import check_limits
from bidl_sim.netx.lynxi.script import step_script
from bidl_sim.netx.onnx.model import step_model
from bidl_sim.netx.replace import in_place_of
from bidl_sim.netx.runs import samples_of
from bidl_sim.netx.step import SavedState, StepGraph, folded, step_graph
from bidl_sim.processes.normalization.membrane_norm import MembraneNorm
from bidl_sim.typing import Array

NORMALISES = ("BatchNorm", "MeanOnlyBatchNorm", "WeightScaleBatchNorm")
RANDOM_SAMPLES, RANDOM_STEPS = 2, 10


def export(
    net: Process,
    folder: str | Path,
    steps: int | None = None,
    batch: int = 1,
    inputs: Any = None,
) -> list[str]:
    """Write what the Lynxi chip's tools take, and a manifest of it; the same bytes for a network.

    The files are listed in docs/lynxi.md. None has been compiled by the vendor's tools or has run
    on a chip.

    Parameters
    ----------
    net
    folder
        Must exist; files in it are replaced.
    steps
        Timesteps of a sample; by default what the network's metadata says its data have.
    batch : 1, 2, 4, 7, 14 or 28
        Samples that the chip runs at once.
    inputs
        Samples ``(batch, time, *shape)``, or a mapping from input names, with which the contract
        emulator measures how far float16 leads the outputs away; a few random events by default.

    Returns warnings. Raises `FormatError`, which names the process, for what is beyond the
    documented limits.
    """
    network = net if isinstance(net, Network) else Network.of(net)
    circuit = network.build()
    graph = folded(step_graph(network))
    steps = _steps(network.metadata) if steps is None else steps
    warnings = check_limits(circuit, graph, batch, steps)
    measured = _measured(network, circuit, inputs)
    model = step_model(graph).SerializeToString(deterministic=True)
    files = {manifest.STEP: step_script(graph), manifest.ONNX: model}
    here = resources.files("bidl_sim.netx.lynxi")
    files.update({name: here.joinpath(name).read_bytes() for name in manifest.PROGRAMS})
    said = {
        "target": "Lynxi KA200",
        "verified_on_hardware": False,
        "steps": steps,
        "batch": batch,
        **_described(circuit, graph),
        "warnings": warnings,
        "emulated": measured,
    }
    for name, content in {**files, manifest.NAME: manifest.sealed(said, files)}.items():
        with in_place_of(Path(folder) / name) as temporary:
            temporary.write_bytes(content)
    return [*warnings, _figure(measured), "not verified on hardware"]


def _measured(network: Network, circuit: Circuit, inputs: Any) -> dict[str, Any]:
    """How far the outputs are from the simulator's on the contract emulator."""
    samples, batch, steps = samples_of(circuit, inputs)
    if inputs is None:
        batch, steps = RANDOM_SAMPLES, RANDOM_STEPS
        samples = {n: x[:batch, :steps] for n, x in samples.items()}
    error = emulated(network, samples)
    return {
        "largest_error": float(f"{error:.3g}") if math.isfinite(error) else "infinite",
        "dtype": "float16",
        "samples": batch,
        "steps": steps,
        "inputs": "random events" if inputs is None else "given frames",
        "note": "contract emulator, not the chip; compared with simulation in float32",
    }


def _figure(measured: Mapping[str, Any]) -> str:
    """The same in a sentence."""
    return (
        f"contract emulator, float16: outputs are off by up to {measured['largest_error']} in "
        f"{measured['samples']} sample(s) of {measured['inputs']}"
    )


def _steps(metadata: Mapping[str, Any]) -> int | None:
    """How many frames the data have that a network was trained on."""
    found: Any = metadata
    for name in ("data", "framing", "bins"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, int) and found > 0 else None


def _described(circuit: Circuit, graph: StepGraph) -> dict[str, Any]:
    inputs = [
        {
            "name": f"data_{k}",
            "process": name,
            "shape": [1, *x.shape],
            "layout": "NCHW" if len(x.shape) == 3 else "batch first",
            "dtype": "float16",
        }
        for k, (name, x) in enumerate(graph.inputs.items())
    ]
    outputs = [
        {
            "name": name,
            "shape": [1, *x.shape],
            "dtype": "float16",
            "counts": manifest.EVERY if graph.timed.get(name, True) else manifest.LAST,
        }
        for name, x in graph.outputs.items()
    ]
    return {
        "inputs": inputs,
        "outputs": outputs,
        "host_layout": "time, batch, *shape; C order",
        "states": [_state(graph, state) for state in graph.states],
        "accumulators": list(graph.accumulators),
        "head": list(graph.head),
        "normalisation": list(_normalisation(circuit, graph)),
        "built_in": sorted({n.process for n in graph.nodes if n.op == "cmp_and_fire"}),
    }


def _state(graph: StepGraph, state: SavedState) -> dict[str, Any]:
    process = next(n.process for n in graph.nodes if n.attributes.get("flag") == state.flag)
    held = held_shape(state.shape, process in graph.accumulators)
    return {
        "flag": state.flag,
        "shape": [1, *state.shape],
        "held_as": list(held),
        "layout": "NHWC" if len(held) == 4 else "NC",
        "dtype": "float16",
        "reset_to": _reset_value(state.initial),
        "reset": "before the first step of each sample, by lyn_model_reset_async",
    }


def _reset_value(initial: Array) -> Any:
    """One number, or the numbers of one sample."""
    if np.all(initial == initial.flat[0]):
        return float(initial.flat[0])
    return initial.astype(float).tolist()


def _normalisation(circuit: Circuit, graph: StepGraph) -> Iterator[dict[str, str]]:
    left = {node.process for node in graph.nodes}
    for path, process in circuit.processes.items():
        if type(process).__name__ in NORMALISES:
            how = "apart" if path in left else "folded into the weights before it"
            yield {"process": path, "position": "synapse", "how": how}
        elif isinstance(process, MembraneNorm) and process.norm == "membrane":
            loaded = [n.output for n in graph.nodes if (n.op, n.process) == ("load", path)]
            gained = any(n.op == "*" and n.inputs[0] in loaded for n in graph.nodes)
            how = "a gain on the state" if gained else "a gain and an offset of the potential"
            yield {"process": path, "position": "membrane", "how": how}
