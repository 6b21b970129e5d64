"""Every block of every family of neurons does what the table in docs/lava.md says."""

from __future__ import annotations

import importlib
import re

import h5py
import pytest
import torch
from conftest import ROOT

from bidl_sim import Simulator, netx
from bidl_sim.errors import FormatError
from bidl_sim.slayer import block
from bidl_sim.slayer.block.kinds import KINDS
from bidl_sim.slayer.utils.time import shift

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
READ_OTHERWISE = ("Input", "Affine", "Output")
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
def test_a_block_does_what_the_table_says(family: str, kind: str, tmp_path) -> None:
    torch.manual_seed(1)
    params = [] if kind in WITHOUT_NEURONS else [PARAMS[family]]
    words = importlib.import_module(f"bidl_sim.slayer.block.{family}")
    made = getattr(words, kind)(*params, *ARGUMENTS[kind])
    shape = (2, 4, 4) if kind in ON_IMAGES else (8,)
    x = (torch.randint(33, (2, *shape, 20)) / 32).requires_grad_()  # sums are exact
    works = {"runs"}

    y = made(x)
    assert y.count_nonzero() > 0
    assert torch.equal(y[:1], made(x[:1]))  # samples do not mix

    y.square().sum().backward()
    learned = [x.grad, *(p.grad for p in made.parameters())]
    assert all(g.isfinite().all() and g.count_nonzero() > 0 for g in learned)
    works.add("learns")

    with h5py.File(tmp_path / "a.net", "w") as file:
        group = file.create_group("layer/0")
        if "file" in table()[kind]:
            made.export_hdf5(group)
            works.add("file")
        else:
            with pytest.raises(FormatError, match=f"{family}.{kind}: has no place"):
                made.export_hdf5(group)
            assert not list(group)
    assert works == table()[kind]

    if "file" in works and kind not in READ_OTHERWISE:
        again = netx.load(tmp_path / "a.net", input_shape=shape, arithmetic="fixed")
        found = Simulator(again).run(x.detach().movedim(-1, 1)).movedim(1, -1)
        late = made.family.shifts and bool(params)  # which a file does not say
        assert torch.equal(shift(found, int(late)), y)
