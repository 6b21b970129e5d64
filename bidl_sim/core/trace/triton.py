"""Source of the multi-step kernels of a traced step, for Triton on a GPU.

A program does all timesteps of ``WIDTH`` neurons and holds their states in registers. Time goes in
chunks of `CHUNK` steps, whose loads are all under way at once. In training the forward kernel
leaves the states at the beginning of each chunk as marks; from them the backward kernel does a
chunk's steps again, from the last chunk to the first, and then their gradients.

Neuron n of a sequence ``(time, batch, *shape)``, the batch folded in, lies in step t at
``t * of_time + n // sample * of_sample + n % sample``, so that time or the batch may lie first in
memory. A state is ``(neuron,)``, its marks are ``(chunk, neuron)``. A shared parameter has one
value; of the others, neuron n has value ``n // repeat % size``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bidl_sim.core.trace.backward import backward, variables
from bidl_sim.core.trace.lines import TRITON, lines
from bidl_sim.core.trace.step import Trace
from bidl_sim.core.trace.template import filled

CHUNK = 8

HEAD = f"""import triton
import triton.language as tl
from triton.language.extra import libdevice

F = tl.constexpr(tl.{{dtype}})
CHUNK = tl.constexpr({CHUNK})
"""

FUNCTION = """
@triton.jit
def {name}({arguments}):
    {lines}
    return {results}
"""

FORWARD = """
@triton.jit(do_not_specialize=["steps"])
def forward(
    {arrays}
    steps, neurons: tl.int64, sample: tl.int64, of_time: tl.int64, of_sample: tl.int64,
    WIDTH: tl.constexpr,
):
    n = tl.program_id(0).to(tl.int64) * WIDTH + tl.arange(0, WIDTH)
    inside = n < neurons
    until = tl.where(inside, steps, 0)
    at = n // sample * of_sample + n % sample
    {begin}
    for first in range(0, steps, CHUNK):
        {mark}
        {empty}
        for k in tl.static_range(CHUNK):
            now, live = at + k * of_time, first + k < until
            {load}
        for k in tl.static_range(CHUNK):
            now, live = at + k * of_time, first + k < until
            {step}
        at += CHUNK * of_time
        {turn}
    {end}
"""

BACKWARD = """
@triton.jit(do_not_specialize=["steps"])
def backward(
    {arrays}
    steps, neurons: tl.int64, sample: tl.int64, of_time: tl.int64, of_sample: tl.int64,
    WIDTH: tl.constexpr,
):
    n = tl.program_id(0).to(tl.int64) * WIDTH + tl.arange(0, WIDTH)
    inside = n < neurons
    until = tl.where(inside, steps, 0)
    chunks = tl.cdiv(steps, CHUNK)
    at = n // sample * of_sample + n % sample + (chunks - 1) * CHUNK * of_time
    mark = n + (chunks - 1) * neurons
    {begin}
    for turned in range(chunks):
        first = (chunks - 1 - turned) * CHUNK
        {empty}
        for k in tl.static_range(CHUNK):
            now, live = at + k * of_time, first + k < until
            {load}
        for k in tl.static_range(CHUNK - 1):
            {again}
        for k in tl.static_range(CHUNK - 1, -1, -1):
            now, live = at + k * of_time, first + k < until
            {back}
        at -= CHUNK * of_time
        mark -= neurons
    {end}
"""


def forward_source(
    trace: Trace,
    shared: Collection[str],
    kept: Collection[str] = (),
    marked: bool = False,
    dtype: str = "float32",
) -> str:
    """A kernel that runs all steps: outputs and final states from inputs and first states.

    ``kept`` are states of which every step's value is given like an output; ``marked`` asks for
    the marks too. Raises `TraceError` where Triton has no word for an operation.
    """
    states, outputs = list(trace.states), [*trace.outputs, *kept]
    kernel = filled(
        FORWARD,
        arrays=[
            *_group("in", trace.inputs),
            *_group("out", outputs),
            *_group("start", states),
            *_group("end", states),
            *_group("mark", states if marked else ()),
            *_parameter_arguments(trace, shared),
        ],
        begin=[
            *_parameters(trace, shared),
            *(f"s_{n} = tl.load(start_{n} + n, inside, 0)" for n in states),
            *["mark = n"] * marked,
        ],
        mark=[f"tl.store(mark_{n} + mark, s_{n}, inside)" for n in states if marked],
        empty=[f"all_i_{n} = ()" for n in trace.inputs],
        load=[f"all_i_{n} += (tl.load(in_{n} + now, live, 0),)" for n in trace.inputs],
        step=[
            f"{_results(trace)} = step({_values(trace, 's_{}')})",
            *(f"tl.store(out_{n} + now, r_{n}, live)" for n in outputs),
            *(f"s_{n} = tl.where(live, r_{n}, s_{n})" for n in states),
        ],
        turn=["mark += neurons"] * marked,
        end=[f"tl.store(end_{n} + n, s_{n}, inside)" for n in states],
    )
    return f"{_step_source(trace, dtype)}\n\n{kernel}"


def backward_source(
    trace: Trace,
    shared: Collection[str],
    kept: Collection[str],
    learned: Collection[str],
    dtype: str = "float32",
) -> str:
    """A kernel from the gradients of outputs and final states to those of everything before.

    ``learned`` are the parameters whose gradient is wanted: of a shared one each program gives the
    sum over its neurons, of the others each neuron's own is given.
    """
    step = backward(trace, kept, learned)
    states, outputs, smooth = list(trace.states), step.outputs, step.smooth
    found = ", ".join(f"d_{n}" for n in step.gradients)
    function = filled(
        FUNCTION,
        name=["gradient"],
        arguments=[
            ", ".join(
                [
                    *variables(trace).values(),
                    *(f"go_{n}" for n in outputs),
                    *(f"ge_{n}" for n in smooth),
                ]
            )
        ],
        lines=lines({f"d_{n}": e for n, e in step.gradients.items()}, step.names, TRITON[dtype]),
        results=[found],
    )
    given = [_values(trace, "all_s_{}[k]"), *(f"all_go_{n}[k]" for n in outputs)]
    kernel = filled(
        BACKWARD,
        arrays=[
            *_group("in", trace.inputs),
            *_group("mark", states),
            *_group("gout", outputs),
            *_group("gend", smooth),
            *_group("gin", trace.inputs),
            *_group("gstart", smooth),
            *_parameter_arguments(trace, shared),
            *_group("sum", learned),
        ],
        begin=[
            *_parameters(trace, shared),
            *(f"grad_{n} = tl.load(gend_{n} + n, inside, 0)" for n in smooth),
            *(f"grad_{n} = tl.zeros([WIDTH], F)" for n in learned),
        ],
        empty=[
            *(f"all_i_{n} = ()" for n in trace.inputs),
            *(f"all_go_{n} = ()" for n in outputs),
            *(f"all_s_{n} = (tl.load(mark_{n} + mark, inside, 0),)" for n in states),
        ],
        load=[
            *(f"all_i_{n} += (tl.load(in_{n} + now, live, 0),)" for n in trace.inputs),
            *(f"all_go_{n} += (tl.load(gout_{n} + now, live, 0),)" for n in outputs),
        ],
        again=[
            f"{_results(trace)} = step({_values(trace, 'all_s_{}[k]')})",
            *(f"all_s_{n} += (r_{n},)" for n in states),
        ],
        back=[
            f"{found} = gradient({', '.join([*given, *(f'grad_{n}' for n in smooth)])})",
            *(f"tl.store(gin_{n} + now, d_{n}, live)" for n in trace.inputs),
            *(f"grad_{n} = tl.where(live, d_{n}, grad_{n})" for n in smooth),
            *(f"grad_{n} += tl.where(live, d_{n}, 0)" for n in learned),
        ],
        end=[
            *(f"tl.store(gstart_{n} + n, grad_{n}, inside)" for n in smooth),
            *(
                f"tl.store(sum_{n} + tl.program_id(0), tl.sum(grad_{n}.to(tl.float64)))"
                if n in shared
                else f"tl.store(sum_{n} + n, grad_{n}, inside)"
                for n in learned
            ),
        ],
    )
    return f"{_step_source(trace, dtype)}\n\n{function}\n\n{kernel}"


def _step_source(trace: Trace, dtype: str) -> str:
    results = {f"r_{n}": e for n, e in {**trace.outputs, **trace.new_states}.items()}
    whole = [n for n, e in trace.states.items() if e.kind == "int"]
    return filled(
        FUNCTION,
        name=["step"],
        arguments=[", ".join(variables(trace).values())],
        lines=[
            *lines(results, variables(trace), TRITON[dtype]),
            *(f"r_{n} = r_{n}.to(tl.int64)" for n in whole),
        ],
        results=[_results(trace)],
    )


def _group(kind: str, names: Iterable[str]) -> list[str]:
    """Arguments of one kind, on a line."""
    arguments = " ".join(f"{kind}_{n}," for n in names)
    return [arguments] if arguments else []


def _parameter_arguments(trace: Trace, shared: Collection[str]) -> list[str]:
    return [
        f"param_{n}," if n in shared else f"param_{n}, repeat_{n}, size_{n},"
        for n in trace.parameters
    ]


def _parameters(trace: Trace, shared: Collection[str]) -> list[str]:
    return [
        f"p_{n} = tl.load(param_{n})"
        if n in shared
        else f"p_{n} = tl.load(param_{n} + n // repeat_{n} % size_{n}, inside, 0)"
        for n in trace.parameters
    ]


def _values(trace: Trace, state: str) -> str:
    """What step k of a chunk is computed from."""
    inputs = (f"all_i_{n}[k]" for n in trace.inputs)
    parameters = (f"p_{n}" for n in trace.parameters)
    return ", ".join([*inputs, *map(state.format, trace.states), *parameters])


def _results(trace: Trace) -> str:
    return ", ".join(f"r_{n}" for n in (*trace.outputs, *trace.new_states))
