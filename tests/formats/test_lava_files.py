"""The .net files of lava-dl are read and written again member for member."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from published import DATA, members

import bidl_sim.processes as bp
from bidl_sim import Network, Simulator, netx
from bidl_sim.errors import FormatError, ParameterError

NEW = sorted(DATA.glob("lava_golden/*/*.net"))
OLD = sorted(DATA.glob("lava_netx/**/*.net"))
ARITHMETICS = pytest.mark.parametrize("arithmetic", ["integer", "fixed"])

NEW_ONLY = "gradedSpike"
"""Older files do not say it, and have an axis for time in their kernels."""


def whole(path: Path, folder: Path) -> Path:
    """A file that holds a network, made of one that holds a block."""
    with h5py.File(path) as file:
        if "layer" in file:
            return path
        with h5py.File(folder / "one.net", "w") as one:
            one.create_group("layer")
            file.copy("/", one["layer"], "0")
    return folder / "one.net"


@ARITHMETICS
@pytest.mark.parametrize("path", [*NEW, *OLD], ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_file_read_and_written_is_the_same(path, arithmetic, tmp_path) -> None:
    source = whole(path, tmp_path)
    netx.save(netx.load(source, arithmetic=arithmetic), tmp_path / "a.net", format="lava-dl")
    wanted, found = members(source), members(tmp_path / "a.net")
    extra = {name for name in found if name not in wanted}
    assert all(name.endswith(NEW_ONLY) for name in extra)
    assert set(wanted) <= set(found)
    for name, (dtype, value) in wanted.items():
        assert found[name][0] == dtype, name
        kernel = name.endswith("weight") and np.ndim(value) == 5
        np.testing.assert_array_equal(found[name][1], value[..., 0] if kernel else value, name)


BLOCKS = [p for p in NEW if p.parent.name == "blocks"]
RESONATORS = ("rf", "rf_iz", "adrf", "adrf_iz")
"""Their norms are lost in lava-dl's files; and what Affine blocks send are no spikes."""
SAID = [
    p
    for p in BLOCKS
    if "affine" not in p.stem
    and not (
        p.stem.endswith("norm")
        and p.stem.split("__")[0] in RESONATORS
        and "weightnorm" not in p.stem
    )
]


@ARITHMETICS
@pytest.mark.parametrize("path", SAID, ids=lambda p: p.stem)
def test_a_block_from_its_file_gives_its_output(path, arithmetic, tmp_path) -> None:
    with np.load(path.with_suffix(".npz")) as file:
        x, y, meta = file["x"], file["y"], json.loads(str(file["meta_json"]))
    net = netx.load(path, arithmetic=arithmetic, input_shape=tuple(meta["in_shape"][1:-1]))
    difference = meta["neuron"] == "sigma_delta"
    unit = 4096 if arithmetic == "integer" and difference else 1
    found = Simulator(net, dtype="float64").run(unit * np.moveaxis(x, -1, 1), progress=False)
    wanted = np.moveaxis(y, -1, 1)
    unit *= 64 if unit > 1 and meta["block"] == "Output" else 1
    shift = int(not difference and meta["block"] not in ("Flatten", "Affine"))
    np.testing.assert_array_equal(found[:, : y.shape[-1] - shift] / unit, wanted[:, shift:])


REFUSED = {
    r"LIF.*has no place in a \.net file": [bp.LIF()],
    r"TimeMean.*has no place": [bp.TimeMean()],
    "CUBA.*arithmetic.*is 'float'": [bp.CUBA(arithmetic="float")],
    "CUBA.*refractory.*is 2": [bp.CUBA(refractory=2)],
    "cum_error.*is True": [bp.SigmaDelta(cum_error=True)],
    "correction.*is 'act'": [bp.SigmaDelta(correction="act")],
    "state_exp.*is 5.*means 6": [bp.SigmaDelta(state_exp=5)],
    "MeanOnlyBatchNorm.*adds before a sum or a current": [
        bp.MeanOnlyBatchNorm(mean=[1, 0, 0]),
        bp.CUBA(),
    ],
    "Scale.*adds before a sum or a current": [bp.Scale(1, 1), bp.SigmaDelta()],
    "adds beside a normalisation that scales": [
        *(bp.WeightScaleBatchNorm(mean=[1, 1, 1], var=9), bp.CUBA(current_decay=1, bias=1)),
    ],
    "LeakyIntegrator.*is a current of neurons": [bp.LeakyIntegrator(), bp.CUBA()],
    "Sigma.*is a sum of neurons": [bp.Sigma(), bp.SigmaDelta()],
    "differences of no Sigma": [bp.Delta()],
    "Activation of no Sigma": [bp.Activation("tanh"), bp.SigmaDelta()],
    "in an order no .net file says": [
        *(bp.MeanOnlyBatchNorm(), bp.LeakyIntegrator(), bp.CUBA(current_decay=1)),
    ],
    "has a delayed input, and others": [bp.Delay([1, 2, 3]), bp.CUBA(bias=1)],
    "has several delays": [bp.CUBA(), bp.Delay([1, 2, 3]), bp.Delay(2)],
}


@pytest.mark.parametrize("named", REFUSED)
def test_what_no_file_can_say_is_refused_by_name(named, tmp_path) -> None:
    synapse = bp.Dense(4, 3, bias=False, quantize=(64, 8))
    net = Network.sequential(bp.Input(4), synapse, *copy.deepcopy(REFUSED[named]))
    with pytest.raises(FormatError, match=named):
        netx.save(net, tmp_path / "a.net", format="lava-dl")
    assert not list(tmp_path.iterdir())


def test_the_bias_of_a_norm_and_of_its_neurons_add_up(rng, tmp_path) -> None:
    net = Network.sequential(
        *(bp.Input(4), bp.Dense(4, 3, bias=False, quantize=(64, 8))),
        bp.MeanOnlyBatchNorm(mean=[0.25, 0.5, -0.25], quantize=(64, 8)),
        bp.CUBA(current_decay=1.0, bias=0.5),
        seed=1,
    )
    netx.save(net, tmp_path / "a.net", format="lava-dl")
    x = (rng.random((30, 4)) < 0.5).astype(float)
    found = Simulator(netx.load(tmp_path / "a.net", pipeline=False), dtype="float64").run(x)
    wanted = Simulator(net, dtype="float64").run(x)
    assert 0 < wanted.mean() < 1
    np.testing.assert_array_equal(found, wanted)


def test_options_are_checked(lava_golden) -> None:
    path = lava_golden / "nets" / "cuba_mlp.net"
    for name, value in (
        ("pipelined", True),
        ("reset_interval", 0),
        ("reset_offset", -1),
        ("num_layers", 0),
        ("skip_layers", 3),
        ("arithmetic", "float"),
    ):
        with pytest.raises(ParameterError, match=name):
            netx.load(path, **{name: value})


def test_a_part_of_a_file(lava_golden) -> None:
    path = lava_golden / "nets" / "cuba_mlp.net"
    whole, part = netx.load(path), netx.load(path, num_layers=2, skip_layers=1)
    assert [n for n in part.processes if n.startswith("layer")] == ["layer1_synapse", "layer1"]
    given = whole.processes["layer1_synapse"].weight
    np.testing.assert_array_equal(part.processes["layer1_synapse"].weight, given)


def damaged(whole: bytes, seed: int) -> bytes:
    """A file with some bytes changed, most of them where its structure is, or cut short."""
    rng = np.random.default_rng(seed)
    data = np.frombuffer(whole, np.uint8).copy()
    if rng.random() < 0.15:
        return data[: rng.integers(len(data))].tobytes()
    places = rng.integers(min(len(data), 40_000), size=2 ** rng.integers(7))
    data[places] = rng.choice([0, 255, *rng.integers(256, size=4)], size=len(places))
    return data.tobytes()


@pytest.mark.parametrize("name", ["cuba_recurrent", "sdnn_cnn_bias", "rf_mlp"])
def test_a_damaged_file_is_refused_or_read(name, lava_golden, tmp_path) -> None:
    """Nothing but FormatError; lengths of texts that claim gigabytes are among the damages."""
    whole = (lava_golden / "nets" / f"{name}.net").read_bytes()
    path, refused = tmp_path / "a.net", 0
    for seed in range(60):
        path.write_bytes(damaged(whole, seed))
        try:
            netx.load(path)
        except FormatError:
            refused += 1
    assert refused > 20


WRONG = {
    "layer/1/weight": [("text", "holds.*wanted numbers"), (np.zeros(0), "is empty")],
    "layer/1/bias": [("text", "holds.*wanted numbers")],
    "layer/1/neuron/type": [(1, "must be a text|text")],
    "layer/1/neuron/vThMant": [("text", "holds.*wanted numbers")],
    "layer/1/neuron/weight_exp": [
        (1e300, "weight_exp: must be a whole number in"),
        ([1.0, 2.0], "weight_exp: must be a whole number in"),
        (0.5, "weight_exp: must be a whole number in"),
    ],
}


@pytest.mark.parametrize("name", WRONG)
def test_a_member_of_another_kind_is_named(name, lava_golden, tmp_path) -> None:
    for value, named in WRONG[name]:
        path = tmp_path / "a.net"
        path.write_bytes((lava_golden / "nets" / "cuba_mlp.net").read_bytes())
        with h5py.File(path, "a") as file:
            if name in file:
                del file[name]
            file[name] = value
        with pytest.raises(FormatError, match=named) as error:
            netx.load(path)
        assert name in str(error.value)
