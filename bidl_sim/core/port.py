"""Ports: the typed ends of connections.

A class declares its ports (``a_in = In()``); every instance then owns bound ports that can be
connected: ``exc.s_out.connect(syn.s_in, delay=3)``. Names follow Lava: neurons ``a_in -> s_out``,
everything else ``s_in -> a_out``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bidl_sim.core.fields import as_int
from bidl_sim.errors import GraphError, ParameterError
from bidl_sim.typing import Shape

if TYPE_CHECKING:
    from bidl_sim.core.process import Process


@dataclass(frozen=True)
class Signal:
    """What travels through a port each timestep.

    ``shape`` leaves out batch and time. ``dtype`` is "float" (spikes are 0 and 1) or "int".
    ``timed`` is False after a temporal aggregation: only the value after the last step counts.
    """

    shape: Shape
    dtype: str = "float"
    timed: bool = True


@dataclass(frozen=True)
class In:
    """Declares an InPort; what is connected to it is summed."""

    dtype: str = "float"

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)

    def __get__(self, obj: Any, owner: type | None = None) -> InPort:
        return _bound(self, obj)  # type: ignore[no-any-return]  # In binds to an InPort


@dataclass(frozen=True)
class Out:
    """Declares an OutPort."""

    dtype: str = "float"

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)

    def __get__(self, obj: Any, owner: type | None = None) -> OutPort:
        return _bound(self, obj)  # type: ignore[no-any-return]  # Out binds to an OutPort


@dataclass(frozen=True)
class Ref:
    """Declares a RefPort: ``write=True`` lets the process set what it refers to."""

    write: bool = False

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)

    def __get__(self, obj: Any, owner: type | None = None) -> RefPort:
        return _bound(self, obj)  # type: ignore[no-any-return]  # Ref binds to a RefPort


def _bound(spec: Any, obj: Any) -> Any:
    return spec if obj is None else obj.ports[spec.name]


@dataclass(eq=False)
class Connection:
    """An edge: what ``source`` sends at step t arrives at ``target`` at step t + delay."""

    source: OutPort
    target: InPort
    delay: int


@dataclass(eq=False)
class Port:
    """A named end of connections on one process."""

    process: Process
    name: str

    def __str__(self) -> str:
        return f"{self.process.label}.{self.name}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


@dataclass(eq=False, repr=False)
class InPort(Port):
    """Receives values; ``inner`` is set on a network's port and names the port it stands for."""

    dtype: str = "float"
    inner: InPort | None = None
    sources: list[Connection] = field(default_factory=list)

    @property
    def leaf(self) -> InPort:
        """The port of the process inside that receives what is sent here."""
        return self.inner.leaf if self.inner else self


@dataclass(eq=False, repr=False)
class OutPort(Port):
    """Sends values; ``inner`` is set on a network's port and names the port it stands for."""

    dtype: str = "float"
    inner: OutPort | None = None
    targets: list[Connection] = field(default_factory=list)

    @property
    def leaf(self) -> OutPort:
        """The port of the process inside that sends what leaves here."""
        return self.inner.leaf if self.inner else self

    def connect(self, target: InPort | Process, delay: int = 0) -> Connection:
        """Send everything that leaves here to ``target``, arriving ``delay`` timesteps later.

        ``target`` may be a process with exactly one InPort. Several connections into one InPort
        are summed. Raises `GraphError` if the two are connected already.
        """
        port = target if isinstance(target, InPort) else _only_in_port(self, target)
        steps = as_int(f"connect {self} to {port}, delay", delay, 0)
        if any(c.target is port for c in self.targets):
            raise GraphError(f"connect {self} to {port}", "they are connected already")
        connection = Connection(self, port, steps)
        self.targets.append(connection)
        port.sources.append(connection)
        return connection


@dataclass(eq=False, repr=False)
class RefPort(Port):
    """Reads, and with ``write`` also sets, a state or parameter of another process."""

    write: bool = False
    target: tuple[Process, str] | None = None

    def connect(self, process: Process, variable: str) -> None:
        """Refer to the state or parameter ``variable`` of ``process``.

        What is read at step t is the value after ``process`` has done step t; what is written
        at step t is what ``process`` finds at step t + 1.
        """
        known = [*getattr(process, "state_specs", ()), *getattr(process, "param_specs", ())]
        if variable not in known:
            names = ", ".join(known) or "none"
            raise GraphError(
                f"connect {self} to {process!r}",
                f"no state or parameter {variable!r}; has: {names}",
            )
        self.target = (process, variable)


def _only_in_port(source: OutPort, target: Any) -> InPort:
    where = f"connect {source}"
    ports = getattr(target, "in_ports", None)
    if ports is None:
        raise ParameterError(where, f"target must be an InPort or a process, got {target!r}")
    if len(ports) != 1:
        names = ", ".join(ports) or "none"
        raise GraphError(where, f"{target.label} has not exactly one InPort ({names}); name one")
    port: InPort = next(iter(ports.values()))
    return port
