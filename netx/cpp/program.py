"""A network as a C++ program that is built and run from here."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import StateError
from bidl_sim.netx.cpp.layout import size
from bidl_sim.netx.cpp.project import export
from bidl_sim.netx.step import step_graph
from bidl_sim.typing import Array

TOOLS = ("cmake", "c++")


def missing_tools() -> list[str]:
    """What a machine lacks to build programs."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


class Program:
    """A network, exported to a temporary folder and compiled.

    Parameters
    ----------
    net, dtype, fold, record
        See `export`.
    options
        For CMake, such as ``-DNATIVE=ON``.

    Raises `StateError` where CMake or the compiler is missing.
    """

    def __init__(
        self,
        net: Process,
        dtype: str | None = None,
        fold: bool = False,
        record: Collection[str] = (),
        options: Sequence[str] = (),
    ) -> None:
        if missing := missing_tools():
            raise StateError(
                "C++ program", f"cannot be built: this machine has no {' and no '.join(missing)}"
            )
        network = net if isinstance(net, Network) else Network.of(net)
        self.folder = Path(tempfile.mkdtemp(prefix="bidl-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        export(network, self.folder, dtype, fold, record)
        self.graph = step_graph(network, record)
        build = str(self.folder / "build")
        self._call("cmake", "-S", str(self.folder), "-B", build, *options)
        self._call("cmake", "--build", build)

    def run(self, inputs: Mapping[str, Array], steps: int) -> dict[str, Array]:
        """Samples from the declared state: ``(batch, time, *shape)`` by input, and by output.

        What counts after the last step only has no time. Without inputs there is one sample.
        """
        given, samples = str(steps), 1
        if self.graph.inputs:
            parts = [np.asarray(inputs[name]) for name in self.graph.inputs]
            whole = parts[0]
            if len(parts) > 1:
                whole = np.concatenate([x.reshape(*x.shape[:2], -1) for x in parts], -1)
            given, samples = str(self.folder / "in.npy"), len(whole)
            np.save(given, np.ascontiguousarray(whole))
        sent = self.folder / "out.npy"
        network, weights = (str(self.folder / name) for name in ("build/network", "weights.bin"))
        self._timing = self._call(network, weights, given, str(sent), "--time")
        values = np.load(sent)
        sizes = [size(x.shape) for x in self.graph.outputs.values()]
        rows = np.split(values.reshape(samples, steps, sum(sizes)), np.cumsum(sizes)[:-1], -1)
        found = {}
        for (name, x), row in zip(self.graph.outputs.items(), rows, strict=True):
            each = row.reshape(*row.shape[:2], *x.shape)
            found[name] = each if self.graph.timed.get(name, True) else each[:, -1]
        return found

    @property
    def latency(self) -> tuple[float, float]:
        """Of the steps of the last run, the median and the 99th percentile in microseconds."""
        found = re.search(r"median ([\d.]+) us, 99% below ([\d.]+) us", self._timing)
        assert found is not None
        return float(found[1]), float(found[2])

    def _call(self, *command: str) -> str:
        """Run a command; what it says on stderr."""
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise StateError(f"C++ program, {Path(command[0]).name}", said)
        return done.stderr
