"""The libraries themselves, where they are installed: their modules, and what they read of ours.

sinabs needs another version of nir than the others, so no installation has all four.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

import bidl_sim.processes as bp
from bidl_sim import Network, Simulator, netx

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs
T = 150
MANY = {"reset": "subtract", "max_spikes": 2**31 - 1}


def stepped(model: Callable, x, keeps_state: bool) -> np.ndarray:
    """What a model sends that is called once a step, with its state where it does not keep it."""
    import torch

    state, out = None, []
    with torch.no_grad():
        for frame in torch.from_numpy(x):
            found = model(frame[None]) if keeps_state else model(frame[None], state)
            y, *rest = found if isinstance(found, tuple) else (found,)
            state = rest[0] if rest else None
            out.append(y.reshape(-1).numpy())
    return np.stack(out)


def same(net: Network, wanted, x) -> None:
    found = Simulator(net, dtype="float32").run(x, progress=False)
    found = next(iter(found.values())) if isinstance(found, dict) else found
    assert np.count_nonzero(wanted) > 5
    np.testing.assert_allclose(found.reshape(wanted.shape), wanted, atol=1e-4)  # float32


def frames(*shape: int, mean: float = 0.4, std: float = 1.0):
    return np.random.default_rng(3).normal(mean, std, (T, *shape)).astype(np.float32)


# -- their modules ---------------------------------------------------------------------------------


def seeded():
    import torch

    torch.manual_seed(0)
    return torch.nn


@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@pytest.mark.parametrize("delay", [True, False])
def test_modules_of_snntorch(reset, delay) -> None:
    snn = pytest.importorskip("snntorch")
    nn = seeded()
    usual = {"reset_mechanism": reset, "reset_delay": delay, "init_hidden": True}
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), snn.Leaky(beta=0.9, **usual), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(27, 8), snn.Synaptic(0.6, 0.8, threshold=0.7, **usual), nn.Linear(8, 6),
        snn.RLeaky(0.9, linear_features=6, threshold=0.3, **usual),
    ).eval()  # fmt: skip
    x = frames(1, 8, 8, std=1.5)
    same(netx.from_torch(model, (1, 8, 8)), stepped(model, x, True), x)


@pytest.mark.parametrize("v_reset", [0.0, None, -0.2])
def test_modules_of_spikingjelly(v_reset) -> None:
    pytest.importorskip("spikingjelly")
    from spikingjelly.activation_based import layer, neuron

    nn = seeded()
    usual = {"v_reset": v_reset, "v_threshold": 0.1}
    block = nn.Sequential(
        layer.Conv2d(1, 3, 3, padding="same"), layer.BatchNorm2d(3), neuron.IFNode(**usual)
    )
    model = nn.Sequential(
        block, layer.MaxPool2d(2), layer.Flatten(), layer.Dropout(0.5), layer.Linear(48, 16),
        neuron.LIFNode(tau=3.0, **usual), layer.Linear(16, 12),
        neuron.LIFNode(tau=3.0, decay_input=False, **usual), nn.Linear(12, 8),
        neuron.ParametricLIFNode(init_tau=2.5, **usual), layer.Linear(8, 5),
        neuron.CUBALIFNode(**usual),
    ).eval()  # fmt: skip
    x = frames(1, 8, 8)
    same(netx.from_torch(model, (1, 8, 8)), stepped(model, x, True), x)


def test_modules_of_norse() -> None:
    norse = pytest.importorskip("norse.torch")
    import torch
    from norse.torch.functional.reset import reset_subtract

    nn = seeded()
    low = {"v_th": torch.tensor(0.02)}
    shifted = {"v_leak": torch.tensor(0.01), "v_reset": torch.tensor(-0.1), **low}
    model = norse.SequentialState(
        nn.Conv2d(1, 3, 3, stride=2), norse.LIFBoxCell(), nn.Flatten(), nn.Linear(27, 8),
        norse.LIFBoxCell(norse.LIFBoxParameters(**shifted)), nn.Linear(8, 8),
        norse.LIFBoxCell(norse.LIFBoxParameters(reset_method=reset_subtract, **low)),
        nn.Linear(8, 5), norse.LIFCell(norse.LIFParameters(**low)), nn.Linear(5, 4),
        norse.IAFCell(), norse.LICell(), norse.LIBoxCell(),
    ).eval()  # fmt: skip
    x = frames(1, 8, 8, mean=4.0, std=16.0)
    same(netx.from_torch(model, (1, 8, 8)), stepped(model, x, False), x)


@pytest.mark.parametrize("name", ["many", "one", "two"])
def test_modules_of_sinabs(name) -> None:
    sl = pytest.importorskip("sinabs.layers")
    import torch
    from sinabs import activation as sa

    nn = seeded()
    more = {
        "many": {},
        "one": {"spike_fn": sa.SingleSpike, "reset_fn": sa.MembraneReset()},
        "two": {"spike_fn": sa.MaxSpike(2), "min_v_mem": -0.5},
    }[name]
    lif = partial(sl.LIFSqueeze, tau_mem=5.0, batch_size=1, **more)
    low = torch.tensor(0.2)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3, bias=False), sl.IAFSqueeze(batch_size=1, **more), sl.SumPool2d(2),
        nn.Flatten(), nn.Linear(27, 8), lif(norm_input=False), nn.Linear(8, 8),
        lif(tau_syn=3.0, spike_threshold=low), nn.Linear(8, 8),
        lif(train_alphas=True, spike_threshold=low), nn.Linear(8, 3),
        sl.ExpLeakSqueeze(tau_mem=7.0, batch_size=1),
    ).eval()  # fmt: skip
    x = frames(1, 8, 8)
    with torch.no_grad():
        wanted = model(torch.from_numpy(x)).numpy()
    same(netx.from_torch(model, (1, 8, 8)), wanted, x)


# -- our files -------------------------------------------------------------------------------------


def own(shape, *processes) -> Network:
    return Network.sequential(bp.Input(shape), *processes)


def ring() -> Network:
    net = Network(seed=3)
    source, lif = net.add(bp.Input(6)), net.add(bp.LIF(alpha=0.9, v_th=0.4))
    dense, back = net.add(bp.Dense(6, 8)), net.add(bp.Dense(8, 8, name="back"))
    for way in ((source, dense), (dense, lif), (lif, back), (lif, net.add(bp.Sink()))):
        net.connect(*way)
    net.connect(back, lif, delay=1)
    return net


NETWORKS = {
    "LIF": lambda: own(6, bp.Dense(6, 8), bp.LIF(alpha=0.9), bp.Dense(8, 3), bp.LIF(alpha=0.8)),
    "IF": lambda: own(6, bp.Dense(6, 8), bp.IF(v_threshold=1.5), bp.Dense(8, 3), bp.LIF(alpha=1)),
    "RCLIF": lambda: own(
        6,
        bp.Dense(6, 8),
        bp.RCLIF(tau=0.01, r=3.0, v_threshold=0.7),
        bp.Dense(8, 3, bias=False),
        bp.RCLIF(tau=0.004, method="exp", v_threshold=0.1),
    ),
    "CubaLIF": lambda: own(
        6,
        bp.Dense(6, 8),
        bp.CubaLIF(tau_syn=0.004, tau_mem=0.01, r=2.0, w_in=3.0, v_threshold=0.4),
        bp.Dense(8, 3),
        bp.CUBA(arithmetic="float", threshold=1.0),
    ),
    "subtracting": lambda: own(
        6,
        bp.Dense(6, 8),
        bp.RCLIF(tau=0.01, r=3.0, v_threshold=0.3, method="exp", **MANY),
        bp.Dense(8, 3),
        bp.IF(v_threshold=0.8, v_min=-1.0, **MANY),
        bp.RC(tau=0.01, r=10.0),
    ),
    "images, means": lambda: own(
        (2, 8, 8),
        bp.Conv2d(2, 3, 3, padding=1),
        bp.IF(v_threshold=0.9),
        bp.AvgPool2d(2),
        bp.Flatten(),
        bp.Dense(48, 5),
        bp.LIF(alpha=0.9, v_th=0.2),
    ),
    "images, sums": lambda: own(
        (2, 8, 8),
        bp.Conv2d(2, 3, 3, stride=2),
        bp.IF(v_threshold=0.9),
        bp.SumPool2d(2, stride=1),
        bp.Flatten(),
        bp.Dense(12, 5),
        bp.LIF(alpha=0.9, v_th=0.2),
    ),
    "Conv1d": lambda: own(
        (2, 9),
        bp.Conv1d(2, 3, 3),
        bp.IF(v_threshold=0.5),
        bp.Flatten(),
        bp.Dense(21, 5),
        bp.LIF(v_th=0.2),
    ),
    "loop": ring,
}
READ = {
    "norse": ("LIF", "IF", "RCLIF", "CubaLIF", "images, sums", "loop"),
    "sinabs": ("subtracting",),
    "snntorch": ("LIF", "IF", "RCLIF", "CubaLIF", "images, means"),
    "spikingjelly": ("LIF", "IF", "RCLIF", "CubaLIF", "images, means", "Conv1d", "loop"),
}


def by_norse(path, x, dt):
    norse, nir = pytest.importorskip("norse.torch"), pytest.importorskip("nir")
    return stepped(norse.from_nir(nir.read(path), dt=dt), x, False)


def by_sinabs(path, x, dt):
    sinabs, nir = pytest.importorskip("sinabs.nir"), pytest.importorskip("nir")
    import torch

    with torch.no_grad():
        found = sinabs.from_nir(nir.read(path), batch_size=1)(torch.from_numpy(x))
    return (found[0] if isinstance(found, tuple) else found).numpy()


def by_snntorch(path, x, dt):
    snn, nir = pytest.importorskip("snntorch.import_nir"), pytest.importorskip("nir")
    return stepped(snn.import_from_nir(nir.read(path)), x, True)


def by_spikingjelly(path, x, dt):
    pytest.importorskip("spikingjelly")
    exchange = pytest.importorskip("spikingjelly.activation_based.nir_exchange")
    return stepped(exchange.import_from_nir(str(path), dt=dt), x, False)


@pytest.mark.parametrize(
    ("library", "name"), [(lib, n) for lib, names in READ.items() for n in names]
)
def test_libraries_read_our_files(library, name, tmp_path) -> None:
    net = NETWORKS[name]()
    netx.save(net, tmp_path / "a.nir", target=library)
    dt = netx.load(tmp_path / "a.nir").metadata["nir"]["dt"]
    x = frames(*net.build().main_signal("input1").shape)
    same(net, globals()[f"by_{library}"](tmp_path / "a.nir", x, dt), x)
