"""How long one timestep of one sample takes: the C++ program, onnxruntime and the event engine.

python benchmarks/cpp_step.py [--model NMNIST.net --frames FRAMES.npy] [--rounds 3]

Without a model, the N-MNIST network of examples/nmnist.toml has first weights three times as large,
so that all of its layers fire. The program measures itself; the others are called from Python, as
a user calls them (Runtime) and as directly as possible (onnxruntime's own call, and the same with
bound buffers, which is nearest to its C++ interface). Medians and 99th percentiles in
microseconds; spikes are counted, for the program's time follows them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from bidl_sim import Network, Simulator, netx
from bidl_sim.core.neuron import Neuron
from bidl_sim.netx.cpp.program import Program
from bidl_sim.netx.onnx.session import Session
from bidl_sim.processes import (
    CUBA,
    LIF,
    Add,
    BatchNorm,
    Conv2d,
    Dense,
    Flatten,
    Input,
    LIFPlus,
    Sink,
    Sparse,
    TimeMean,
)
from bidl_sim.trainers import load_experiment

STEPS = 200
CONFIG = Path(__file__).parent.parent / "examples" / "nmnist.toml"


def nmnist() -> Network:
    """The network of the example, with weights that make it fire."""
    net = load_experiment(CONFIG).build_network()
    net.build()
    for process in net.processes.values():
        if isinstance(process, Conv2d):
            process.weight = 3 * process.weight
    return net


def lif_plus() -> Network:
    """Two layers of neurons with mechanisms in all stages."""
    neuron = {"decay": "exponential", "accumulation": "cobe", "refractory": "relative"}
    second = np.random.default_rng(1).uniform(0, 0.2, (64, 256))
    layers = (Dense(200, 256), LIFPlus(**neuron), Dense(256, 64, weight=second), LIFPlus(**neuron))
    return Network.sequential(Input(200), *layers)


def residual() -> Network:
    """A convolution and a block around which its input goes, too."""
    net = Network.sequential(
        Input((2, 32, 32)),
        *(Conv2d(2, 32, 3, stride=2, padding=1), LIF(alpha=0.8, v_th=0.3, name="before")),
        *(Conv2d(32, 32, 3, padding=1, bias=False), BatchNorm(), Add(name="sum")),
        *(LIF(alpha=0.8, v_th=0.6), Flatten(), Dense(32 * 16 * 16, 10), TimeMean()),
    )
    net.connect(net.processes["before"], net.processes["sum"])
    return net


def recurrent() -> Network:
    """Sparse connections among 1000 neurons, with delays."""
    net = Network(seed=0)
    population = net.add(LIF(1000, alpha=0.9, v_th=1.0))
    net.connect(net.add(Input(1000)), population)
    within = Sparse.fixed_probability(1000, 1000, 0.05, weight=0.01, delay=5, seed=1)
    net.connect(population, net.add(within))
    net.connect(within, population, delay=1)
    net.connect(population, net.add(Sink(name="spikes")))
    return net


def integers() -> Network:
    """The current-based neurons of lava-dl in whole numbers."""
    rng = np.random.default_rng(5)
    neuron = {"arithmetic": "integer", "wrap": True, "threshold": 90, "current_decay": 0.3}
    layers = []
    for shape in ((256, 200), (256, 256), (10, 256)):
        weight = 2 * rng.integers(-20, 22, shape).astype(float)
        layers += [Dense(*shape[::-1], weight=weight, bias=False), CUBA(**neuron)]
    return Network.sequential(Input(200), *layers)


NETWORKS: dict[str, tuple[Callable[[], Network], float]] = {
    "nmnist": (nmnist, 0.07),
    "LIF+": (lif_plus, 0.3),
    "residual": (residual, 0.05),
    "recurrent": (recurrent, 0.1),
    "integers": (integers, 0.1),
}
"""Networks, and how much of a frame are events."""


def timed(call: Callable[[Any], Any], frames: np.ndarray) -> list[float]:
    """Microseconds of each step, after some that warm up."""
    taken = []
    for frame in [*frames[:20], *frames]:
        began = time.perf_counter()
        call(frame)
        taken.append(1e6 * (time.perf_counter() - began))
    return taken[20:]


def direct(session: Session, bound: bool) -> Callable[[np.ndarray], Any]:
    """The call of onnxruntime itself; states come in, too, and go out."""
    runtime, (name,) = session._session, session.graph.inputs
    if not bound:
        return lambda frame: runtime.run(None, {name: frame[None], **session.state})
    binding = runtime.io_binding()
    value = onnxruntime.OrtValue.ortvalue_from_numpy
    held = {n: value(x) for n, x in session.state.items()}
    for n, x in held.items():
        binding.bind_ortvalue_input(n, x)
    for result in runtime.get_outputs():
        binding.bind_output(result.name)

    def call(frame: np.ndarray) -> None:
        binding.bind_ortvalue_input(name, value(frame[None]))
        runtime.run_with_iobinding(binding)

    return call


def measure(net: Network, frames: np.ndarray, rounds: int) -> dict[str, list[float]]:
    """Microseconds by what ran; all take turns."""
    programs = {
        "C++": Program(net),
        "C++, -DNATIVE=ON": Program(net, options=["-DNATIVE=ON"]),
        "C++, folded": Program(net, fold=True),
    }
    session = Session(net)
    given = frames.astype(session.dtype)
    calls = {
        "Runtime onnx": netx.Runtime(net, "onnx").step,
        "onnxruntime": direct(session, bound=False),
        "onnxruntime, bound": direct(session, bound=True),
        "Runtime event": netx.Runtime(net, "event").step,
    }
    (path,) = programs["C++"].graph.inputs
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, program in programs.items():
            program.run({path: frames[None]}, len(frames))
            found.setdefault(name, []).extend(program.latency)
        for name, call in calls.items():
            taken = timed(call, given)
            found.setdefault(name, []).extend((np.median(taken), np.percentile(taken, 99)))
    return found


def firing(net: Network, frames: np.ndarray) -> str:
    """How many of the neurons of each population fire in a step, in percent."""
    sim = Simulator(net, engine="torch")
    neurons = {path: p for path, p in net.build().processes.items() if isinstance(p, Neuron)}
    probes = [sim.probe(f"{path}.{p.spikes}") for path, p in neurons.items()]
    sim.run(frames, progress=False)
    return ", ".join(f"{100 * float(np.mean(p.data)):.0f} %" for p in probes)


def main() -> None:
    """Print a table for each network; of several rounds, the best median and the best tail."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--frames")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    works = {}
    for name, (make, rate) in NETWORKS.items():
        net = make()
        shape = net.build().main_signal("input1").shape
        works[name] = (net, rng.poisson(rate, (STEPS, *shape)).astype(np.float32))
    if options.model:
        frames = np.load(options.frames)
        shape = frames.shape[-3:]
        works["nmnist"] = (netx.load(options.model), frames.reshape(-1, *shape))
    for name, (net, frames) in works.items():
        print(f"\n{name}: {len(frames)} steps, firing {firing(net, frames)}")
        for what, values in measure(net, frames, options.rounds).items():
            print(f"  {what:20}{min(values[::2]):9.1f} us{min(values[1::2]):9.1f} us", flush=True)


if __name__ == "__main__":
    main()
