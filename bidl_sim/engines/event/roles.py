"""What each process is to the event engine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeAlias

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.forms import Form
from bidl_sim.core.process import Process
from bidl_sim.core.trace.step import Trace, trace
from bidl_sim.errors import StateError, TraceError
from bidl_sim.typing import Array

Role: TypeAlias = "Form | Trace | str"
"""A form, a traced step, or "input", "sink", "played" (a source that is asked beforehand)."""


def role(
    circuit: Circuit, path: str, parameters: Mapping[str, Array], record: Collection[str] = ()
) -> Role:
    """How one process is executed; `StateError` if this engine cannot."""
    process = circuit.processes[path]
    if process.external:
        return "input"
    if process.is_sink:
        return "sink"
    try:
        form = process.event_form(parameters, circuit.main_signal(path))
        if form is not None:
            return form
        if not process.in_specs and not process.states(False) and not process.has_side_effects:
            return "played"
        fed = {e.target_port for e in circuit.edges if e.target == path}
        silent = [n for n in process.in_specs if n not in fed and f"{path}.{n}" not in record]
        return trace(process, training=False, given=("t",), silent=silent)
    except TraceError as error:
        raise StateError(
            process.where, f"cannot run on the event engine: {error.problem}", "engine='torch'"
        ) from None


def check_supported(circuit: Circuit) -> None:
    """`StateError` names a process that this engine cannot execute."""
    for path, process in circuit.processes.items():
        if type(process).event_form is Process.event_form or process.ref_specs:
            role(circuit, path, process.parameters())
