"""ONNX models of step graphs: of one timestep, and of a whole sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from bidl_sim.errors import FormatError, ParameterError
from bidl_sim.netx.onnx.functions import DOMAIN, functions
from bidl_sim.netx.onnx.operators import write
from bidl_sim.netx.onnx.writer import BATCH, DTYPES, IR_VERSION, OPSET, Writer, import_onnx
from bidl_sim.netx.step.graph import StepGraph

TIME = "time"
NEXT = ".next"
"""What the new value of a state has behind its name."""


def step_model(graph: StepGraph, dtype: str = "float32") -> Any:
    """A model of one timestep.

    Inputs are the network's, ``(batch, *shape)``, then the states by flag; an initializer of the
    same name holds a state's value at the beginning of a run of one sample, so that it may be left
    out. Outputs are the network's, then the new states, ``<flag>.next``.

    Parameters
    ----------
    graph
    dtype : "float32", "float64" or "float16"
        Of everything that is no whole number.
    """
    w = _writer(dtype)
    _body(w, graph)
    inputs = [w.value_info(n, x.shape, x.kind, (BATCH,)) for n, x in graph.inputs.items()]
    inputs += [w.value_info(s.flag, s.shape, s.kind, (BATCH,)) for s in graph.states]
    outputs = [w.value_info(n, x.shape, x.kind, (BATCH,)) for n, x in graph.outputs.items()]
    outputs += [w.value_info(s.flag + NEXT, s.shape, s.kind, (BATCH,)) for s in graph.states]
    for state, value in initial(graph, w).items():
        w.array(state, value)
    return _model(w, graph, inputs, outputs)


def sequence_model(graph: StepGraph, dtype: str = "float32") -> Any:
    """A model of a whole run from the declared state: a loop (``Scan``) over the timestep.

    Inputs are ``(batch, time, *shape)``; outputs too, without time after a temporal aggregation.

    Raises `FormatError` for a network without inputs, for nothing says how long it runs.
    """
    if not graph.inputs:
        raise FormatError("ONNX model of a sequence", "needs an input that says how long it is")
    w, body = _writer(dtype), _writer(dtype)
    _body(body, graph)
    scanned = _scan_body(body, graph)
    first = next(iter(graph.inputs))
    batch = w.add("Shape", [first], "batch size", start=0, end=1)
    begin = []
    for state, (flag, value) in zip(graph.states, initial(graph, w).items(), strict=True):
        shape = w.add("Concat", [batch, w.whole(*state.shape)], f"{flag}/shape", axis=0)
        begin.append(w.add("Expand", [w.array(f"{flag}/initial", value), shape], flag))
    stacked = {n: n if graph.timed.get(n, True) else f"{n}/all" for n in graph.outputs}
    w.nodes.append(
        w.onnx.helper.make_node(
            "Scan",
            [*begin, *graph.inputs],
            [*(f"{s.flag}/last" for s in graph.states), *stacked.values()],
            body=scanned,
            num_scan_inputs=len(graph.inputs),
            scan_input_axes=[1] * len(graph.inputs),
            scan_output_axes=[1] * len(graph.outputs),
        )
    )
    for n in (n for n in graph.outputs if not graph.timed.get(n, True)):
        w.add("Gather", [stacked[n], w.array("last step", np.array(-1))], n, axis=1)
    both = (BATCH, TIME)
    inputs = [w.value_info(n, x.shape, x.kind, both) for n, x in graph.inputs.items()]
    outputs = [
        w.value_info(n, x.shape, x.kind, both if graph.timed.get(n, True) else (BATCH,))
        for n, x in graph.outputs.items()
    ]
    return _model(w, graph, inputs, outputs)


def initial(graph: StepGraph, w: Writer) -> dict[str, Any]:
    """The values of the states at the beginning of a run of one sample, by flag."""
    return {
        s.flag: np.broadcast_to(w.formatted(s.flag, s.initial, s.kind), (1, *s.shape))
        for s in graph.states
    }


def _writer(dtype: str) -> Writer:
    if dtype not in DTYPES:
        raise ParameterError("ONNX model, dtype", f"must be of {', '.join(DTYPES)}, got {dtype!r}")
    return Writer(dtype)


def _body(w: Writer, graph: StepGraph) -> None:
    """Write the operations, and give results the names they have as outputs of the graph."""
    for node in graph.nodes:
        if node.op not in ("load", "save"):
            write(w, node)
    ends = [*graph.outputs.items(), *((f + NEXT, x) for f, x in graph.saved().items())]
    received = {x.name: n for n, x in graph.inputs.items()}
    for node in w.nodes:  # an input has the name of its process
        node.input[:] = [received.get(n, n) for n in node.input]
    for name, x in ends:
        source = received.get(w.name(x), w.name(x))
        if name != source:
            w.add("Identity", [source], name)


def _scan_body(w: Writer, graph: StepGraph) -> Any:
    """One timestep with the states first, as a loop wants it."""
    states = [w.value_info(s.flag, s.shape, s.kind, (BATCH,)) for s in graph.states]
    inputs = [w.value_info(n, x.shape, x.kind, (BATCH,)) for n, x in graph.inputs.items()]
    after = [w.value_info(s.flag + NEXT, s.shape, s.kind, (BATCH,)) for s in graph.states]
    outputs = [w.value_info(n, x.shape, x.kind, (BATCH,)) for n, x in graph.outputs.items()]
    return w.onnx.helper.make_graph(
        w.nodes, "step", states + inputs, after + outputs, list(w.initializers.values())
    )


def _model(w: Writer, graph: StepGraph, inputs: list[Any], outputs: list[Any]) -> Any:
    """The model, checked."""
    onnx = import_onnx()
    helper = onnx.helper
    body = helper.make_graph(w.nodes, "bidl_sim", inputs, outputs, list(w.initializers.values()))
    own = functions({node.op for node in graph.nodes})
    opsets = [helper.make_opsetid("", OPSET)]
    opsets += [helper.make_opsetid(DOMAIN, 1)] if own else []
    model = helper.make_model(
        body,
        functions=own,
        opset_imports=opsets,
        ir_version=IR_VERSION,
        producer_name="bidl_sim",
    )
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise FormatError("ONNX model", str(error).splitlines()[0]) from error
    return model
