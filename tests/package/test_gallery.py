"""The gallery shows every neuron, with the equation that its docstring has now."""

from __future__ import annotations

import importlib.util
import sys

import pytest
from conftest import ROOT

spec = importlib.util.spec_from_file_location("make_gallery", ROOT / "docs" / "make_gallery.py")
assert spec is not None
assert spec.loader is not None
gallery = sys.modules["make_gallery"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(gallery)


@pytest.mark.parametrize("name", gallery.neurons())
def test_the_page_has_every_neuron(name) -> None:
    written = gallery.PAGE.read_text(encoding="utf-8")
    run = f"run: {gallery.COMMAND} {name}"
    assert gallery.section(name, gallery.neurons()[name]) in written, run
    assert (gallery.PICTURES / f"{name}.png").is_file(), run


def test_the_page_has_no_neuron_that_is_gone() -> None:
    shown = {path.stem for path in gallery.PICTURES.glob("*.png")}
    assert shown <= set(gallery.neurons()), f"run: {gallery.COMMAND}"
    assert set(gallery.SHOWN) <= set(gallery.neurons())


def test_an_equation_is_a_block_of_text() -> None:
    for name, kind in gallery.neurons().items():
        text = gallery.section(name, kind)
        assert text.count("```") % 2 == 0, name
        assert text.count("```text") >= 1, name
        assert "Parameters\n" not in text, name
