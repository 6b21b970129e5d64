"""Networks that are exported: step graphs of several kinds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bidl_sim import Network
from bidl_sim.netx.lynxi import manifest
from bidl_sim.processes import (
    CUBA,
    LIAF,
    LIF,
    Add,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Flatten,
    Input,
    LIFPlus,
    Sink,
    TimeMean,
    TimeSum,
)
from bidl_sim.processes.networks.residual import basic_block

STEPS = 12
FILES = {manifest.NAME, *manifest.FILES}


def digits() -> Network:
    """As for small event frames: convolutions with both places of a normalisation, then a mean."""
    return Network.sequential(
        Input((2, 12, 12)),
        *(Conv2d(2, 4, 3, stride=2, bias=False), BatchNorm(mean=[0.1, 0.0, -0.1, 0.2])),
        *(LIF(alpha=0.9, v_th=0.3), AvgPool2d(2)),
        *(Conv2d(4, 5, 2), LIF(norm="membrane", norm_var=np.full(5, 0.2), v_th=0.2)),
        *(Flatten(), Dense(5, 6), TimeMean(), Dense(6, 3)),
    )


def lif_plus() -> Network:
    neuron = {"accumulation": "coba", "trigger": "exi", "refractory": "absolute"}
    return Network.sequential(
        *(Input(6), Dense(6, 20), LIFPlus(decay="exponential", **neuron), Dense(20, 5)),
        *(LIAF(activation="tanh"), TimeSum()),
    )


def residual() -> Network:
    return Network.sequential(
        *(Input((2, 6, 6)), basic_block(2, 4, 2, name="block"), Flatten(), Dense(36, 3)),
        *(LIF(alpha=0.9, v_th=0.1), TimeMean()),
    )


def recurrent() -> Network:
    net = Network()
    a, b = net.add(LIF(8, alpha=0.9, v_th=0.4)), net.add(LIF(5, initial={"v": np.arange(5) / 20}))
    into, back = net.add(Dense(6, 8)), net.add(Dense(5, 8))
    net.connect(net.add(Input(6)), into)
    net.connect(into, a, delay=2)
    net.connect(a, forth := net.add(Dense(8, 5)))
    net.connect(forth, b)
    net.connect(b, back, delay=1)
    net.connect(back, a)
    net.connect(a, net.add(Sink(name="early")))
    net.connect(b, net.add(Sink(name="late")))
    return net


def two_inputs() -> Network:
    net = Network()
    both = net.add(Add())
    for name in ("left", "right"):
        net.connect(net.add(Input((2, 3, 3), name=name)), both)
    net.connect(both, net.add(LIF(alpha=0.5, v_th=0.8)))
    return net


NETWORKS = {
    "digits": digits,
    "lif-plus": lif_plus,
    "residual": residual,
    "recurrent": recurrent,
    "two inputs": two_inputs,
}


def fully_connected(neuron) -> Network:
    weight = np.linspace(-0.1, 0.4, 100).reshape(5, 20)
    second = Dense(20, 5, weight=weight)
    return Network.sequential(Input(6), Dense(6, 20), neuron(), second, neuron())


def whole_numbers() -> Network:
    """Weights and inputs that are whole, as on a chip."""
    rng = np.random.default_rng(5)
    weights = [rng.integers(-30, 40, shape).astype(float) for shape in ((20, 6), (5, 20))]
    neuron = {"arithmetic": "integer", "wrap": True, "threshold": 90, "current_decay": 0.3}
    dense = [Dense(*w.shape[::-1], weight=w, bias=False) for w in weights]
    return Network.sequential(Input(6), dense[0], CUBA(**neuron), dense[1], CUBA(**neuron))


def side_by_side(networks: dict[str, Network], seed: int = 0) -> Network:
    """Networks side by side in one, so that they are compiled together."""
    whole = Network(seed=seed)
    for name, net in networks.items():
        net.name = name
        whole.add(net)
    return whole


def frames(net: Network, rng, steps: int = STEPS):
    circuit = net.build()
    shapes = {path: circuit.main_signal(path).shape for path in circuit.inputs}
    given = {p: rng.poisson(0.7, (steps, *s)).astype(np.float32) for p, s in shapes.items()}
    return given if len(given) > 1 else next(iter(given.values()))


def copy(folder: Path, to: Path) -> Path:
    to.mkdir()
    for name in FILES:
        (to / name).write_bytes((folder / name).read_bytes())
    return to
