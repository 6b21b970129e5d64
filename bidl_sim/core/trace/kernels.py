"""Source of the multi-step kernels of a traced step, for numba.

A kernel does all timesteps of a block of neurons while their states stay in cache. The backward
kernel does the block's steps again and keeps the states of this block only, so that nothing but
inputs and outputs is stored between forward and backward.

Arrays are ``(sample, time, neuron)`` and states ``(sample, neuron)``; a batch may also lie among
the neurons, as one sample. A call does the neurons ``low`` to ``high - 1``, counted over samples.
A parameter is a flat array: a shared one has one value; of the others, neuron n has value
``(n // repeat) % size``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bidl_sim.core.trace.backward import backward, variables
from bidl_sim.core.trace.lines import lines
from bidl_sim.core.trace.step import Trace
from bidl_sim.core.trace.template import filled

HEAD = "import math\n\nimport numpy as np\n\nF = np.{dtype}\n"

FORWARD = """
def forward(low, high, width, {arguments}):
    steps, size = in_{first_input}.shape[1:]
    {shared}
    {allocate}
    for b in range(low // size, (high - 1) // size + 1):
        stop = min(high - b * size, size)
        for first in range(max(low - b * size, 0), stop, width):
            m = min(width, stop - first)
            {begin}
            for t in range(steps):
                {rows}
                for n in range(m):
                    {step}
            {end}
"""

BACKWARD = """
def backward(part, low, high, width, {arguments}):
    steps, size = in_{first_input}.shape[1:]
    {shared}
    {allocate}
    for b in range(low // size, (high - 1) // size + 1):
        stop = min(high - b * size, size)
        for first in range(max(low - b * size, 0), stop, width):
            m = min(width, stop - first)
            {begin}
            for t in range(steps):
                {rows}
                for n in range(m):
                    {again}
            {turn}
            for back in range(steps):
                t = steps - 1 - back
                {rows_back}
                for n in range(m):
                    {back}
            {end}
    {total}
"""


def forward_source(trace: Trace, shared: Collection[str], kept: Collection[str] = ()) -> str:
    """A function that runs all steps: outputs and final states from inputs and first states.

    ``kept`` are states of which every step's value is given like an output.
    """
    states, outputs = trace.states, (*trace.outputs, *kept)
    results = {f"r_{n}": e for n, e in {**trace.outputs, **trace.new_states}.items()}
    arrays = [f"in_{n}" for n in trace.inputs] + [f"out_{n}" for n in outputs]
    arrays += [f"start_{n}" for n in states] + [f"end_{n}" for n in states]
    return filled(
        FORWARD,
        arguments=[", ".join(arrays + _parameter_arguments(trace))],
        first_input=[next(iter(trace.inputs))],
        shared=_shared_values(trace, shared),
        allocate=_allocate(trace, shared),
        begin=_begin(trace, shared),
        rows=_rows([f"in_{n}" for n in trace.inputs] + [f"out_{n}" for n in outputs]),
        step=[
            *_loads(trace, shared, "now_{0}[n]"),
            *lines(results, variables(trace)),
            *(f"row_out_{n}[n] = r_{n}" for n in outputs),
            *(f"now_{n}[n] = r_{n}" for n in states),
        ],
        end=[f"end_{n}[b, first : first + m] = now_{n}[:m]" for n in states],
    )


def backward_source(
    trace: Trace, shared: Collection[str], kept: Collection[str], learned: Collection[str]
) -> str:
    """A function from the gradients of outputs and final states to those of everything before.

    ``learned`` are the parameters whose gradient is wanted: of a shared one each part gathers the
    sum over its neurons, of the others each neuron's own is given. ``past_<state>`` are workspaces
    ``(steps, width)``. A gradient ``gout_<name>`` of one step stands for all.
    """
    states = trace.states
    step = backward(trace, kept, learned)
    outputs, smooth = step.outputs, step.smooth
    arrays = [f"in_{n}" for n in trace.inputs] + [f"start_{n}" for n in states]
    arrays += [f"gout_{n}" for n in outputs] + [f"gend_{n}" for n in smooth]
    arrays += [f"gin_{n}" for n in trace.inputs] + [f"gstart_{n}" for n in smooth]
    return filled(
        BACKWARD,
        arguments=[
            ", ".join(
                arrays
                + _parameter_arguments(trace)
                + [f"sum_{n}" for n in learned]
                + [f"past_{n}" for n in states]
            )
        ],
        first_input=[next(iter(trace.inputs))],
        shared=_shared_values(trace, shared),
        allocate=[
            *_allocate(trace, shared),
            *(f"grad_{n} = np.empty(width, F)" for n in [*smooth, *learned]),
            *(f"over_{n} = np.zeros(width, np.float64)" for n in learned if n in shared),
        ],
        begin=_begin(trace, shared),
        rows=[
            *_rows(f"in_{n}" for n in trace.inputs),
            *(f"row_past_{n} = past_{n}[t]" for n in states),
        ],
        again=[
            *_loads(trace, shared, "now_{0}[n]"),
            *(f"row_past_{n}[n] = s_{n}" for n in states),
            *lines({f"r_{n}": e for n, e in trace.new_states.items()}, variables(trace)),
            *(f"now_{n}[n] = r_{n}" for n in states),
        ],
        turn=[
            *(f"grad_{n}[:m] = gend_{n}[b, first : first + m]" for n in smooth),
            *(f"grad_{n}[:m] = 0" for n in learned),
        ],
        rows_back=[
            *_rows(f"{kind}_{n}" for kind in ("in", "gin") for n in trace.inputs),
            *_rows((f"gout_{n}" for n in outputs), "t % {0}.shape[1]"),
            *(f"row_past_{n} = past_{n}[t]" for n in states),
        ],
        back=[
            *_loads(trace, shared, "row_past_{0}[n]"),
            *(f"go_{n} = row_gout_{n}[n]" for n in outputs),
            *(f"ge_{n} = grad_{n}[n]" for n in smooth),
            *lines({f"d_{n}": e for n, e in step.gradients.items()}, step.names),
            *(f"row_gin_{n}[n] = d_{n}" for n in trace.inputs),
            *(f"grad_{n}[n] = d_{n}" for n in smooth),
            *(f"grad_{n}[n] += d_{n}" for n in learned),
        ],
        end=[
            *(f"gstart_{n}[b, first : first + m] = grad_{n}[:m]" for n in smooth),
            *(
                f"over_{n}[:m] += grad_{n}[:m]"
                if n in shared
                else f"sum_{n}[b, first : first + m] = grad_{n}[:m]"
                for n in learned
            ),
        ],
        total=[f"sum_{n}[part] += over_{n}.sum()" for n in learned if n in shared],
    )


def _parameter_arguments(trace: Trace) -> list[str]:
    return [f"{kind}_{name}" for name in trace.parameters for kind in ("param", "repeat")]


def _shared_values(trace: Trace, shared: Collection[str]) -> list[str]:
    return [f"p_{name} = param_{name}[0]" for name in trace.parameters if name in shared]


def _allocate(trace: Trace, shared: Collection[str]) -> list[str]:
    own = [f"own_{n} = np.empty(width, F)" for n in trace.parameters if n not in shared]
    return [f"now_{n} = np.empty(width, start_{n}.dtype)" for n in trace.states] + own


def _begin(trace: Trace, shared: Collection[str]) -> list[str]:
    """First states, and a block's own parameter values in a row for the inner loop."""
    own = [n for n in trace.parameters if n not in shared]
    return [
        *(f"now_{n}[:m] = start_{n}[b, first : first + m]" for n in trace.states),
        *(
            f"for n in range(m):\n"
            f"    own_{n}[n] = param_{n}[((first + n) // repeat_{n}) % param_{n}.size]"
            for n in own
        ),
    ]


def _rows(arrays: Iterable[str], step: str = "t") -> list[str]:
    """The block's part of one step: a view whose plain index lets the compiler vectorise."""
    return [f"row_{n} = {n}[b, {step.format(n)}, first : first + m]" for n in arrays]


def _loads(trace: Trace, shared: Collection[str], state: str) -> list[str]:
    return [
        *(f"i_{n} = row_in_{n}[n]" for n in trace.inputs),
        *(f"s_{n} = {state.format(n)}" for n in trace.states),
        *(f"p_{n} = own_{n}[n]" for n in trace.parameters if n not in shared),
    ]
