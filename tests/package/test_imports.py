"""What importing pulls in, and under which names."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT

import bidl_sim

HEAVY = {"torch", "h5py", "matplotlib", "scipy", "tonic", "numba", "tqdm", "networkx"}


def fresh(code: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT / "tests",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules(code: str) -> set[str]:
    printed = fresh(f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))")
    return {name.split(".")[0] for name in json.loads(printed.splitlines()[-1])}


def test_importing_the_package_is_light() -> None:
    assert not modules("import bidl_sim") & {*HEAVY, "numpy"}


def test_describing_a_network_needs_no_torch() -> None:
    code = (
        "from bidl_sim import Network, netx; from bidl_sim.processes import *\n"
        "net = Network.sequential(Input(3), Dense(3, 2), LIF(), TimeMean())\n"
        "net.build()\n"
    )
    found = modules(code)
    assert "h5py" in found  # netx reads and writes
    assert not found & {"torch", "matplotlib", "tonic", "numba"}


def test_info_needs_no_torch(tmp_path) -> None:
    path = tmp_path / "a.net"
    from bidl_sim.processes import LIF, Input

    bidl_sim.netx.save(bidl_sim.Network.sequential(Input(3), LIF()), path)
    assert "torch" not in modules(f"from bidl_sim.cli import main; main(['info', {str(path)!r}])")


@pytest.mark.parametrize(
    "package",
    ["", ".processes", ".trainers", ".netx", ".data", ".slayer", ".slayer.utils", ".lava"],
)
def test_all_says_what_there_is(package) -> None:
    module = __import__(f"bidl_sim{package}", fromlist=["x"])
    for name in module.__all__:
        assert getattr(module, name) is not None
    assert sorted(module.__all__) == sorted(set(module.__all__))
    if package == "":
        assert sorted(dir(bidl_sim)) == sorted(module.__all__)
    with pytest.raises(AttributeError):
        _ = module.nothing_of_this_name


def test_public_names_know_their_package() -> None:
    for name in ("Network", "Simulator", "Process", "BidlError"):
        assert getattr(bidl_sim, name).__module__.startswith("bidl_sim.")


@pytest.mark.parametrize("folder", ["processes", "trainers", "netx"])
def test_a_folder_imported_bare_says_its_right_name(folder) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        f"try:\n    import {folder}\nexcept ImportError as e:\n    print(e)\n"
    )
    assert fresh(code).strip() == f"import bidl_sim.{folder}, not {folder}"
