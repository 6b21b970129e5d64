"""A network as a C++17 project: ``export``."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError, ParameterError
from bidl_sim.netx.cpp.main import main
from bidl_sim.netx.cpp.readme import readme
from bidl_sim.netx.cpp.source import source
from bidl_sim.netx.cpp.words import FORMATS
from bidl_sim.netx.step import folded, step_graph

FILES = Path(__file__).parent / "files"
AS_THEY_ARE = ("CMakeLists.txt", "frames.hpp", "kernels.hpp", "states.hpp", "weights.hpp")


def export(
    net: Process,
    folder: str | Path,
    dtype: str | None = None,
    fold: bool = False,
    record: Collection[str] = (),
) -> None:
    """Write a program that runs a network step by step, one sample at a time.

    It needs a C++17 compiler and CMake, no Python and no library. Equal networks give equal bytes.

    Parameters
    ----------
    net
        The network; a single process stands for everything it is connected to.
    folder
        Is made if it does not exist; its files of the same names are replaced.
    dtype : "float32" or "float64"
        Default float32, or float64 where a process computes with integers.
    fold
        Take normalisations that follow a synapse into its weights; numbers are then rounded in
        another order.
    record
        Paths of ports, such as ``lif1.s_out``, that are outputs too.

    Raises `FormatError`, which names the process, for what plain operations cannot say.
    """
    network = net if isinstance(net, Network) else Network.of(net)
    processes = network.build().processes
    if dtype is None:
        dtype = "float64" if any(p.needs_double for p in processes.values()) else "float32"
    if dtype not in FORMATS:
        raise ParameterError(
            "C++ program, dtype", f"must be of {', '.join(FORMATS)}, got {dtype!r}"
        )
    graph = step_graph(network, record)
    graph = folded(graph) if fold else graph
    written = source(graph, dtype, processes)
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise FormatError(str(folder), "is a file; a program is a folder of several") from None
    texts = {name: (FILES / name).read_text() for name in AS_THEY_ARE}
    texts |= {"model.hpp": written.header, "model.cpp": written.code}
    texts |= {"main.cpp": main(graph, dtype), "README.md": readme(graph, dtype)}
    for name, content in texts.items():
        (folder / name).write_text(content, encoding="utf-8", newline="\n")
    (folder / "weights.bin").write_bytes(written.weights)
