"""From torch modules in a row to a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bidl_sim.core.network import Network
from bidl_sim.core.port import Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.netx.modules import norse, sinabs, snntorch, spikingjelly
from bidl_sim.netx.modules.layers import LAYERS
from bidl_sim.netx.modules.module import Module, Reader
from bidl_sim.processes import Input
from bidl_sim.typing import Shape

if TYPE_CHECKING:
    from torch import nn

LIBRARIES: Mapping[str, Mapping[str, Reader]] = {
    "torch": LAYERS,
    "norse": norse.MODULES,
    "sinabs": sinabs.MODULES,
    "snntorch": snntorch.MODULES,
    "spikingjelly": spikingjelly.MODULES,
}
"""Which modules are known, by library and name of the class."""


def from_torch(
    module: nn.Module | Iterable[nn.Module | Process], input_shape: int | Shape
) -> Network:
    """The network of torch modules in a row, which are called once a timestep.

    Known are layers of torch, and neurons of snnTorch, SpikingJelly, norse and sinabs: the tables
    are `LIBRARIES`. A process has the path of its module (``features.0``). The weights are copied;
    surrogates, and what is trained, are those of our processes.

    Parameters
    ----------
    module
        An ``nn.Sequential``, with others in it or not, one layer, or modules and processes in a
        row, for a model that calls its layers in a ``forward`` of its own:
        ``[model.fc1, model.lif1, model.fc2, LIF()]``.
    input_shape
        Of what enters in a timestep, without the batch.

    Raises
    ------
    ParameterError
        For a module, or an option of one, that no process does; it names them.

    Examples
    --------
    >>> from torch import nn
    >>> from bidl_sim.processes import LIF
    >>> net = from_torch([nn.Flatten(), nn.Linear(8, 3), LIF()], (2, 2, 2))
    >>> {name: type(process).__name__ for name, process in net.processes.items()}
    {'input': 'Input', '0': 'Flatten', '1': 'Dense', '2': 'LIF'}
    """
    from torch import nn

    members: Iterable[Any] = [module] if isinstance(module, nn.Module) else module
    row = [(str(number), member) for number, member in enumerate(members)]
    if isinstance(module, nn.Sequential):
        row = _children(module, f"from_torch ({type(module).__name__})")
    source = Input(input_shape)
    processes, _ = _row(row, source.shape, "")
    return _chain([("input", source), *processes], Network())


def _row(
    members: Iterable[tuple[str, Any]], shape: Shape | None, path: str
) -> tuple[list[tuple[str, Process]], Shape | None]:
    """Processes by name, and the shape of what leaves the last one, where that is known."""
    found: list[tuple[str, Process]] = []
    seen: set[int] = set()
    for name, member in members:
        process, shape = _process(member, shape, f"{path}{name}")
        if id(member) in seen and process is not None and process.states(False):
            raise ParameterError(f"from_torch, {path}{name}", "is in the row twice, with one state")
        seen.add(id(member))
        if process is not None:
            found.append((name, process))
    return found, shape


def _process(member: Any, shape: Shape | None, path: str) -> tuple[Process | None, Shape | None]:
    """What a module is, and the shape of what leaves it; a Sequential is a network."""
    from torch import nn

    where = f"from_torch, {path} ({type(member).__name__})"
    if isinstance(member, nn.Sequential):
        processes, shape = _row(_children(member, where), shape, f"{path}.")
        return (_chain(processes, Network()) if processes else None), shape
    if isinstance(member, nn.Module):
        process = _reader(member, where)(Module(member, where, shape))
    elif isinstance(member, Process):
        process = member
    else:
        raise ParameterError(where, "must be a torch module or a process")
    return process, shape if process is None else _sent(process, shape)


def _sent(process: Process, shape: Shape | None) -> Shape | None:
    """The shape of what a process sends, if it can be told before the network is built."""
    if shape is None or isinstance(process, Network):
        return None
    given = dict.fromkeys(list(process.in_specs)[:1], Signal(shape))
    sent = process.infer(given) or {}
    return next((signal.shape for signal in sent.values()), None)


def _chain(processes: Sequence[tuple[str, Process]], net: Network) -> Network:
    """Connect processes one after the other; a network within sends on from its ends."""
    for name, process in processes:
        net.add(process, name)
    for (_, source), (_, target) in pairwise(processes):
        net.connect(source, target)
    (_, first), (_, last) = processes[0], processes[-1]
    for port in (*list(first.in_ports.values())[:1], *list(last.out_ports.values())[:1]):
        net.expose(port)
    return net


def _children(row: nn.Sequential, where: str) -> list[tuple[str, Any]]:
    """What is in a Sequential, if it calls its children one after the other."""
    if _is_changed(row, _known(row)):
        raise ParameterError(where, "has a forward of its own", "give its layers in a row")
    return list(row._modules.items())  # named_children leaves out what is there twice


def _reader(member: Any, where: str) -> Reader:
    """What makes a process of a module."""
    kind = _known(member)
    found = LIBRARIES[_library(kind)].get(kind.__name__) if kind else None
    if found is None or _is_changed(member, kind):
        raise ParameterError(
            where,
            "is no module that is known",
            f"give its layers in a row; known of torch are Sequential, {', '.join(sorted(LAYERS))}",
        )
    return found


def _known(member: Any) -> type | None:
    """The first class in its line that is of a library."""
    return next((k for k in type(member).__mro__ if _library(k) in LIBRARIES), None)


def _library(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _is_changed(member: Any, kind: type | None) -> bool:
    """Whether a subclass of somebody's does something else than the class of the library."""
    return getattr(type(member), "forward", None) is not getattr(kind, "forward", None)
