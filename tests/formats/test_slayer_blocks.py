"""Do the blocks give what lava-dl's give: outputs, gradients and files?"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from published import DATA, members

FILES = sorted(DATA.glob("lava_golden/blocks/*.npz"))

pytestmark = pytest.mark.skipif(not FILES, reason="lava-dl's vectors are not here")

MIXES_CHANNELS = "pool_stride1"
"""lava-dl's pool stacks channels, so that a stride unlike its kernel mixes them."""


def golden(path: Path):
    data = dict(np.load(path))
    return json.loads(str(data.pop("meta_json"))), data


CASES = [f for f in FILES if MIXES_CHANNELS not in f.name]
ALL = pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)


def ours(name: str, parts: list[str]) -> list[str]:
    """Where a parameter of lava-dl is in a block: names to try, in this order."""
    name = name.replace("input_synapse", "synapse").replace("running_", "")
    name = name.replace(".real.", "_real.").replace(".imag.", "_imag.")
    name = name.replace("weight_g", "gain").replace("weight_v", "weight")
    name = name.replace("neuron.norm", "norm").replace("neuron.real_norm", "real_norm")
    name = name.replace("neuron.imag_norm", "imag_norm").replace("neuron.delta.", "neuron.")
    if "." not in name:
        holder = "recurrent_synapse" if name == "self_excitation" else "transform"
        name = f"{holder}.{name}"
    current = name.replace("neuron.current_decay", "current.decay")
    voltage = name.replace("neuron.voltage_decay", "voltage.decay")
    resonator = name.replace("neuron.", "resonator.")
    return [n for n in (current, voltage, name, resonator) if n in parts]


def made(meta, data):
    """The block of a file, with its parameters."""
    family = importlib.import_module(f"bidl_sim.slayer.block.{meta['neuron']}")
    arguments = [meta["neuron_params"]] if meta["neuron_params"] is not None else []
    block = getattr(family, meta["block"])(*arguments, *meta["args"], **meta["kwargs"])
    block.eval()
    block.prepare(tuple(meta["in_shape"][1:-1]))
    members = {n.removeprefix("body."): v for n, v in block.named_parameters()}
    members |= {n.removeprefix("body."): v for n, v in block.named_buffers()}
    for key, value in data.items():
        kind, _, name = key.partition("_")
        if kind not in ("param", "buffer") or name == "neuron.bias":
            continue
        places = ours(name, list(members))
        if meta["block"] in ("Pool", "Unpool") and "synapse" in name:
            continue  # fixed, given by weight_scale
        if meta["kwargs"].get("dynamics") is False and "neuron" in name:
            continue  # a bare sum has no decays
        if meta["block"] == "Output" and name == "neuron.delta.threshold":
            continue  # a sum has no threshold
        assert places, (name, list(members))
        member = members[places[0]]
        if name.startswith("neuron.") and name.endswith("decay"):
            value = value / 4096
        member.data = torch.tensor(shaped(value, member.shape), dtype=member.dtype)
    return block, members


def shaped(value, shape):
    """lava-dl's arrays have axes for time, and for space in all-to-all weights."""
    return value.reshape(shape) if np.prod(shape) == value.size else value


@ALL
def test_outputs_and_gradients_are_those_of_lava_dl(path: Path) -> None:
    meta, data = golden(path)
    block, members = made(meta, data)
    x = torch.tensor(data["x"], requires_grad=True)
    y = block(x)
    np.testing.assert_array_equal(y.detach().numpy(), data["y"])
    if "grad_out" not in data:
        return
    (y * torch.tensor(data["grad_out"])).sum().backward()
    close(x.grad, data["grad_x"], "x")
    for key in data:
        kind, _, name = key.partition("_")
        if kind != "gradparam":
            continue
        places = ours(name, list(members))
        close(members[places[0]].grad, data[key], name)


def close(found, wanted, name) -> None:
    """Equal to 1e-5 of the largest: sums in float32 in another order."""
    found = shaped(found.numpy(), wanted.shape)
    scale = np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * scale, err_msg=name)


@pytest.mark.parametrize(
    "path", [p for p in CASES if p.with_suffix(".net").exists()], ids=lambda p: p.stem
)
def test_a_file_is_that_of_lava_dl(path: Path, tmp_path) -> None:
    block, _ = made(*golden(path))
    with h5py.File(tmp_path / "a.net", "w") as file:
        block.export_hdf5(file.create_group("layer/0"))
    mine, wanted = members(tmp_path / "a.net"), members(path.with_suffix(".net"))
    assert set(mine) == set(wanted)
    for name, (dtype, value) in wanted.items():
        assert mine[name][0] == dtype, name
        np.testing.assert_array_equal(mine[name][1], value, err_msg=name)
