"""From a trained network in real numbers to one in the numbers of a .net file."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError
from bidl_sim.netx.lava.neurons import NEVER
from bidl_sim.processes import (
    CUBA,
    LIF,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    Input,
    LastStep,
    SumPool2d,
    TimeMean,
    TimeSum,
)
from bidl_sim.processes.quantization import Grid
from bidl_sim.typing import Array, Shape

SCALE = 64
LARGEST = 254 / SCALE
"""The largest weight and bias."""
HIGHEST = ((1 << 17) - 1) / SCALE
"""The highest threshold."""


def quantized(network: Network) -> Network:
    """The same network with weights of 8 bits, decays of 12 and thresholds of 17, ready to write.

    It is a row: `Input`; layers of one `Conv2d` or `Dense`, with pools (`AvgPool2d`, `SumPool2d`)
    and `Flatten` before, and behind it `BatchNorm`, `Dropout` and, of a `Conv2d`, pools; and `LIF`
    or `CUBA` neurons; at the end a `Dense` with `TimeMean`, `TimeSum` or nothing. Pools and
    normalisations become part of the weights. Weights, bias and threshold of a layer grow together
    until the largest weight is 254 mantissas, which changes no spike; then they are rounded. The
    end becomes a `CUBA` that sums in its voltage and never fires: what it sends grew by a factor,
    and the order of classes stays.

    Raises `FormatError`, naming the process, for what cannot be said so.
    """
    circuit = network.build()
    made: list[Process] = []
    layer = _Layer(circuit)
    for path in _row(network, circuit):
        process = circuit.processes[path]
        if isinstance(process, Input):
            made.append(Input(process.shape, process.dtype, name=path))
        elif isinstance(process, (LIF, CUBA)):
            made += layer.finished(path, **_neuron(process))
            layer = _Layer(circuit)
        elif isinstance(process, (TimeMean, TimeSum)):
            break
        else:
            layer.take(path, process)
    if layer.weights is not None:
        made += [*layer.finished("readout", **READ_OUT), LastStep()]
    return Network.sequential(*made, name=network.name)


READ_OUT: dict[str, Any] = {
    "threshold": NEVER / SCALE,
    "voltage_decay": 0.0,
    "output": "voltage",
}


class _Layer:
    """What stands before a population, on its way to one synapse."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.pool: tuple[int, int] = (1, 1)
        self.behind: tuple[int, int] = (1, 1)
        self.gain = 1.0
        self.flatten: Flatten | None = None
        self.shape: Shape = ()
        self.weights: Conv2d | Dense | None = None
        self.path = ""
        self.weight: Array = np.zeros(0)
        self.bias: Array = np.zeros(1)

    def take(self, path: str, process: Process) -> None:
        """Add a process behind those that are there."""
        if isinstance(process, Dropout):
            return
        if isinstance(process, (AvgPool2d, SumPool2d)) and self.weights is None:
            self.take_pool(path, process)
        elif isinstance(process, (AvgPool2d, SumPool2d)) and isinstance(self.weights, Conv2d):
            self.take_pool_behind(process, self.weights)
        elif isinstance(process, Flatten) and self.weights is None:
            self.flatten = Flatten(process.start_dim, process.end_dim)
            self.shape = self.circuit.signals[f"{path}.s_in"].shape
        elif isinstance(process, (Conv2d, Dense)) and self.weights is None:
            self.weights, self.path = process, path
            given = process.parameters()
            self.weight = self.pooled(np.asarray(process.effective_weight(given), np.float64))
            bias = process.effective_bias(given)
            self.bias = np.zeros(process.outputs) if bias is None else np.asarray(bias, np.float64)
        elif isinstance(process, BatchNorm) and self.weights is not None:
            gain = process.weight / np.sqrt(process.var + process.eps)
            self.weight = self.weight * gain.reshape(-1, *[1] * (self.weight.ndim - 1))
            self.bias = gain * (self.bias - process.mean) + process.bias
        else:
            raise FormatError(process.where, "cannot be said in a .net file in this place")

    def take_pool(self, path: str, process: AvgPool2d | SumPool2d) -> None:
        kernel, weight = _windows(process)
        if np.any(np.mod(self.circuit.signals[f"{path}.s_in"].shape[1:], kernel)):
            raise FormatError(process.where, "leaves a rest before weights, and cannot be folded")
        self.pool = (self.pool[0] * kernel[0], self.pool[1] * kernel[1])
        self.gain *= weight

    def take_pool_behind(self, process: AvgPool2d | SumPool2d, conv: Conv2d) -> None:
        """The weights of a window are the sum of those of its places, one stride apart."""
        kernel, weight = _windows(process)
        rows, columns = (
            n * s * b for n, s, b in zip(self.pool, conv.stride, self.behind, strict=True)
        )
        high, wide = self.weight.shape[2:]
        size = (high + (kernel[0] - 1) * rows, wide + (kernel[1] - 1) * columns)
        summed = np.zeros((*self.weight.shape[:2], *size))
        for r in range(0, kernel[0] * rows, rows):
            for c in range(0, kernel[1] * columns, columns):
                summed[:, :, r : r + high, c : c + wide] += self.weight
        self.weight, self.bias = weight * summed, weight * math.prod(kernel) * self.bias
        self.behind = (self.behind[0] * kernel[0], self.behind[1] * kernel[1])

    def pooled(self, weight: Array) -> Array:
        """Weights that do what the pool before them did as well."""
        window = self.gain * np.ones(self.pool)
        if self.pool == (1, 1):
            return weight * self.gain
        if weight.ndim == 4:
            return np.kron(weight, window)
        seen = weight.reshape(len(weight), *self.shape)
        return np.kron(seen, window).reshape(len(weight), -1)

    def finished(self, name: str, **neuron: Any) -> list[Process]:
        """The synapse, on its grid, and its neurons."""
        if self.weights is None:
            raise FormatError(name, "has no weights before it")
        threshold = np.asarray(neuron["threshold"], np.float64)
        largest = max(np.abs(self.weight).max(), np.abs(self.bias).max(), 1e-12)
        factor = LARGEST / largest
        if np.all(threshold < NEVER / SCALE):
            factor = min(factor, HIGHEST / threshold.max())
            if threshold.ndim == 0:  # let the threshold need no rounding
                factor = max(np.floor(factor * threshold * SCALE), 1) / (threshold * SCALE)
            neuron["threshold"] = np.maximum(np.rint(factor * threshold * SCALE), 1) / SCALE
        grid = Grid(SCALE, 8)
        shared = {"weight": grid(factor * self.weight), "quantize": grid, "name": self.path}
        bias = grid(factor * self.bias)
        given = {"bias": bias} if np.any(bias) else {}
        neurons = CUBA(current_decay=1.0, name=name, **given, **neuron)
        before = [self.flatten] if self.flatten else []
        return [*before, self.made(shared), neurons]

    def made(self, shared: dict[str, Any]) -> Process:
        process: Any = self.weights
        if isinstance(process, Dense):
            return Dense(shared["weight"].shape[1], process.out_features, bias=False, **shared)
        rows, columns = self.pool
        down, across = self.behind
        if (*self.pool, *self.behind) != (1, 1, 1, 1) and process.dilation != (1, 1):
            raise FormatError(process.where, "is dilated beside a pool")
        return Conv2d(
            process.in_channels,
            process.out_channels,
            shared["weight"].shape[2:],
            stride=(rows * process.stride[0] * down, columns * process.stride[1] * across),
            padding=(rows * process.padding[0], columns * process.padding[1]),
            dilation=process.dilation,
            groups=process.groups,
            bias=False,
            **shared,
        )


def _windows(process: AvgPool2d | SumPool2d) -> tuple[tuple[int, int], float]:
    """Size of the windows of a pool, and what each value in one counts."""
    kernel, stride = process.kernel_size, process.stride or process.kernel_size
    if stride != kernel or process.padding != (0, 0):
        raise FormatError(process.where, "only windows beside each other can be folded")
    weight = process.weight if isinstance(process, SumPool2d) else 1 / math.prod(kernel)
    return kernel, float(weight)


def _neuron(process: LIF | CUBA) -> dict[str, Any]:
    """Arguments of the `CUBA` that spikes like a neuron."""
    if isinstance(process, CUBA):
        if process.output != "spike" or np.any(process.current_decay != 1) or process.refractory:
            raise FormatError(process.where, "only a CUBA with current_decay=1 that sends spikes")
        return {"threshold": process.threshold, "voltage_decay": process.voltage_decay}
    plain = {"norm": "none", "reset": "hard", "output": "spike"}
    for name, wanted in plain.items():
        if getattr(process, name) != wanted:
            raise FormatError(f"{process.where}, {name}", f"must be {wanted!r}")
    if np.any(process.v_reset) or np.any(process.beta):
        raise FormatError(process.where, "must have v_reset and beta 0")
    return {"threshold": process.v_th, "voltage_decay": 1 - process.alpha}


def _row(network: Network, circuit: Circuit) -> list[str]:
    """The paths of a network that is one row."""
    targets: dict[str, list[str]] = {}
    for edge in circuit.edges:
        targets.setdefault(edge.source, []).append(edge.target)
    if len(circuit.inputs) != 1:
        raise FormatError(network.label, f"has {len(circuit.inputs)} inputs, wanted 1")
    row = [circuit.inputs[0]]
    while following := targets.get(row[-1], []):
        if len(following) > 1 or following[0] in row:
            raise FormatError(circuit.processes[row[-1]].where, "feeds several, or itself")
        row.append(following[0])
    return row
