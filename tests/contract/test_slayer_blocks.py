"""Every block of every family of neurons does what the table in docs/lava.md says."""

from __future__ import annotations

import importlib
import re

import h5py
import pytest
import torch
from conftest import ROOT

from bidl_sim.errors import FormatError
from bidl_sim.slayer import block
from bidl_sim.slayer.block.kinds import KINDS

LEAKY = {"threshold": 0.2, "current_decay": 0.5, "voltage_decay": 0.2}
RESONANT = {"threshold": 0.2, "period": 6, "decay": 0.1}
ADAPTIVE = {"threshold_step": 0.1, "threshold_decay": 0.2, "refractory_decay": 0.5}
PARAMS = {
    "cuba": LEAKY,
    "alif": LEAKY | ADAPTIVE,
    "rf": RESONANT,
    "rf_iz": RESONANT,
    "adrf": RESONANT | ADAPTIVE,
    "adrf_iz": RESONANT | ADAPTIVE,
    "sigma_delta": {"threshold": 0.05, "activation": torch.nn.functional.relu},
}
WITHOUT_NEURONS = ("Flatten", "Average", "TimeDecimation")
ARGUMENTS = {
    "Input": (),
    "Dense": (8, 6),
    "Conv": (2, 4, 3),
    "ConvT": (2, 4, 3),
    "Pool": (2,),
    "Unpool": (2,),
    "Recurrent": (8, 6),
    "KWTA": (8, 6, 2),
    "Affine": (8, 6),
    "Output": (8, 6),
    "Flatten": (),
    "Average": (4,),
    "TimeDecimation": (2,),
}
ON_IMAGES = ("Conv", "ConvT", "Pool", "Unpool", "Flatten")


def table() -> dict[str, set[str]]:
    """What works here, by kind of block."""
    text = (ROOT / "docs" / "lava.md").read_text(encoding="utf-8")
    _, rows = re.split(r"\| block \|.*\n\| --- .*\n", text)
    cells = [line.split("|") for line in rows.split("\n\n")[0].splitlines()]
    return {kind.strip(): set(here.strip().split(", ")) for _, kind, here, *_ in cells}


def test_the_table_has_every_block_and_the_page_every_family() -> None:
    assert list(table()) == [kind.__name__ for kind in KINDS] == list(ARGUMENTS)
    assert list(PARAMS) == sorted(block.__all__, key=list(PARAMS).index)


@pytest.mark.parametrize("kind", ARGUMENTS)
@pytest.mark.parametrize("family", PARAMS)
def test_a_block_does_what_the_table_says(family: str, kind: str) -> None:
    torch.manual_seed(1)
    params = [] if kind in WITHOUT_NEURONS else [PARAMS[family]]
    words = importlib.import_module(f"bidl_sim.slayer.block.{family}")
    made = getattr(words, kind)(*params, *ARGUMENTS[kind])
    x = torch.rand(2, *((2, 4, 4) if kind in ON_IMAGES else (8,)), 20, requires_grad=True)
    works = {"runs"}

    y = made(x)
    assert y.count_nonzero() > 0
    assert torch.equal(y[:1], made(x[:1]))  # samples do not mix

    y.square().sum().backward()
    learned = [x.grad, *(p.grad for p in made.parameters())]
    assert all(g.isfinite().all() and g.count_nonzero() > 0 for g in learned)
    works.add("learns")

    with h5py.File("layer", "w", driver="core", backing_store=False) as file:
        if "file" in table()[kind]:
            made.export_hdf5(file)
            assert tuple(file["shape"][()])[: y.dim() - 2] == tuple(y.shape[1:-1])
            assert ("neuron" in file) == bool(params)
            works.add("file")
        else:
            with pytest.raises(FormatError, match=f"{family}.{kind}: has no place"):
                made.export_hdf5(file)
            assert not list(file)
    assert works == table()[kind]
