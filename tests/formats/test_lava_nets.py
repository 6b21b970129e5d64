"""Networks from lava-dl's files do, state by state, what Lava does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bidl_sim import Simulator, netx

NETS = (
    "cuba_affine_nodyn_out",
    "cuba_affine_out",
    "cuba_cnn",
    "cuba_input_cnn",
    "cuba_mlp",
    "cuba_mlp_delay",
    "cuba_mlp_meannorm",
    "cuba_recurrent",
    "rf_iz_mlp",
    "rf_mlp",
    "sdnn_cnn",
    "sdnn_cnn_bias",
)
STATES = ("u", "v", "real", "imag", "sigma", "act", "residue")
ENGINES = pytest.mark.parametrize("engine", ["torch", "event"])


class Run:
    """One file, and what Lava computed with it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / "nets" / f"{name}.net"
        with np.load(self.path.with_suffix(".npz")) as file:
            self.arrays = dict(file)
        self.meta = json.loads(str(self.arrays.pop("meta_json")))
        self.shape = self.arrays["x"].shape[1:-1]

    def frames(self) -> np.ndarray:
        """What Lava was fed."""
        steps = self.meta["lava_steps"]
        if self.meta["kind"] == "image":
            bias = self.arrays["lava_input_bias_mant"].transpose(2, 1, 0)
            return np.repeat(bias[None], steps, 0).astype(float)
        frames = np.moveaxis(self.arrays["x"][0], -1, 0).astype(float)
        held = np.zeros((1, *self.shape))
        if self.meta["kind"] == "video":
            frames = np.rint(64 * frames)
            held = frames[-1:]
        return np.concatenate([frames, *[held] * (steps - len(frames))])

    def lava(self, what: str, layer: int) -> np.ndarray | None:
        """An array of Lava's, time first and channels before space."""
        found = self.arrays.get(f"lava_{what}{layer}")
        return None if found is None else found.T

    def layers(self) -> list[int]:
        """The number in the file of each layer of Lava, which does not count flattening."""
        kinds = self.meta["layers"]
        return [k for k, kind in enumerate(kinds) if not kind.endswith("Flatten")]

    def load(self, **options) -> netx.Network:
        return netx.load(self.path, input_shape=self.shape, **options)


@ENGINES
@pytest.mark.parametrize("name", NETS)
def test_every_state_is_lavas(name, engine, lava_golden) -> None:
    run = Run(lava_golden, name)
    sim = Simulator(run.load(pipeline=True, as_lava=True), engine=engine)
    probes, wanted = {}, {}
    for number, layer in enumerate(run.layers()):
        states = [p.rpartition(".")[2] for p in sim.state_dict() if p.startswith(f"layer{layer}.")]
        for ours, theirs in (("s_out", "s"), *((s, s) for s in STATES if s in states)):
            value = run.lava(theirs, number)
            if value is not None:
                path = f"layer{layer}.{ours}"
                probes[path], wanted[path] = sim.probe(path), value
    sim.run(run.frames(), progress=False)
    assert len(wanted) >= 2 * len(run.layers())
    for path, probe in probes.items():
        np.testing.assert_array_equal(probe.data, wanted[path], path)


@pytest.mark.parametrize("name", ["cuba_mlp", "cuba_mlp_meannorm"])
def test_a_reset_is_staggered(name, lava_golden) -> None:
    run = Run(lava_golden, name)
    sim = Simulator(run.load(pipeline=True, reset_interval=64, reset_offset=1))
    probes = [sim.probe(f"layer{k}.s_out") for k in run.layers()]
    sim.run(run.frames(), progress=False)
    for number, probe in enumerate(probes):
        np.testing.assert_array_equal(probe.data, run.lava("reset_s", number))


@pytest.mark.parametrize("arithmetic", ["integer", "fixed"])
@pytest.mark.parametrize("name", NETS)
def test_layers_are_those_of_training(name, arithmetic, lava_golden) -> None:
    """What a block of lava-dl gave comes from ours at once, without Lava's step per synapse."""
    run = Run(lava_golden, name)
    sim = Simulator(run.load(arithmetic=arithmetic))
    kinds, image = run.meta["layers"], run.meta["kind"]
    probes = {}
    for k, kind in enumerate(kinds):
        state = {"Affine": "v", "Flatten": "a_out"}.get(kind.split(".")[1], "s_out")
        probes[k] = sim.probe(f"layer{k}.{state}")
    frames = np.moveaxis(run.arrays["x"][0], -1, 0).astype(float)
    shifted = 1
    if image == "image":
        frames = np.repeat(run.arrays["lava_input_bias_mant"].transpose(2, 1, 0)[None], 30, 0)
    if image == "video":
        frames, shifted = np.rint(64 * frames), 0
    sim.run(frames if arithmetic == "integer" or image == "spike" else frames / 64, progress=False)
    late = 0
    for k, kind in enumerate(kinds):
        late += shifted * (kind.split(".")[1] not in ("Flatten", "Affine"))
        found, wanted = probes[k].data, np.moveaxis(run.arrays[f"slayer_y{k}"][0], -1, 0)
        if arithmetic == "integer" and kind.endswith("Affine"):
            found = (
                found / 4096 if "nodyn" not in name else np.diff(found, axis=0, prepend=0) / 4096
            )
        elif "nodyn" in name and kind.endswith("Affine"):
            found = np.diff(found, axis=0, prepend=0)
        elif arithmetic == "integer" and image == "video":
            found = found / (1 << 18 if kind.endswith("Output") else 1 << 12)
        np.testing.assert_array_equal(found[: len(wanted) - late], wanted[late:], f"layer {k}")


@ENGINES
def test_tiny(engine, lava_netx) -> None:
    """Resets every 17 steps; without them a bias acts before the input arrives."""
    net = netx.load(lava_netx / "tiny.net", pipeline=True, reset_interval=17)
    sim = Simulator(net, engine=engine)
    spikes, current = [sim.probe(f"layer{k}.s_out") for k in range(3)], sim.probe("layer1.u")
    bias = np.load(lava_netx / "tinynet" / "input_bias.npy").T
    sim.run(np.repeat(bias[None], 20, 0), progress=False)
    for k, (probe, name) in enumerate(zip(spikes, ("input", "layer1", "output"), strict=True)):
        wanted = np.moveaxis(np.load(lava_netx / "tinynet" / f"{name}.npy")[0], -1, 0)
        np.testing.assert_array_equal(probe.data[k : k + 15], wanted[1:], name)
    wanted = np.moveaxis(np.load(lava_netx / "tinynet" / "current.npy")[0], -1, 0)
    np.testing.assert_array_equal(current.data[1:16] / 64, wanted[1:])


@ENGINES
def test_oxford(engine, lava_netx, lava_golden) -> None:
    net = netx.load(lava_netx / "oxford" / "network.net", pipeline=True)
    sim = Simulator(net, engine=engine)
    hidden = sim.probe("layer0.s_out")
    out = sim.run(np.load(lava_netx / "dense" / "in.npy").T.astype(float), progress=False)
    np.testing.assert_array_equal(hidden.data.T, np.load(lava_netx / "dense" / "out.npy"))
    np.testing.assert_array_equal(out.T, np.load(lava_golden / "oxford" / "lava_out.npy"))


@ENGINES
@pytest.mark.parametrize("skipped", [0, 1])
def test_pilotnet(engine, skipped, lava_netx) -> None:
    folder = lava_netx / "pilotnet_sdnn"
    net = netx.load(folder / "network.net", pipeline=True, skip_layers=skipped)
    sim = Simulator(net, engine=engine)
    sums = {k: sim.probe(f"layer{k}.sigma") for k in (1, 2)}
    first = np.load(folder / "act0.npy").T
    frames = first if skipped else np.repeat(np.load(folder / "input.npy").T, 20, 0)
    if not skipped:
        changes = sim.probe("layer0.s_out")
    out = sim.run(frames.astype(float), progress=False)
    np.testing.assert_array_equal(out[:9].T, np.load(folder / "output.npy"))
    for k, probe in sums.items():
        np.testing.assert_array_equal(probe.data, np.load(folder / f"sigma{k}.npy").T)
    if not skipped:
        np.testing.assert_array_equal(changes.data, first)
