"""The repository and what is built from it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

FOLDERS = ("processes", "trainers", "netx")


def sources() -> set[str]:
    """Library files under the names they have when installed."""
    found = {p.relative_to(ROOT) for p in (ROOT / "bidl_sim").rglob("*.py")}
    own = {str(p) for p in found if p.parts[1] not in FOLDERS}
    mapped = {f"bidl_sim/{p.relative_to(ROOT)}" for f in FOLDERS for p in (ROOT / f).rglob("*.py")}
    texts = {f"bidl_sim/{p.relative_to(ROOT)}" for p in (ROOT / "netx/cpp/files").iterdir()}
    return own | mapped | texts | {"bidl_sim/py.typed"}


def test_the_wheel_holds_every_source_file(tmp_path) -> None:
    """Built from a copy without the links, as on a system that has none."""
    copy = tmp_path / "copy"
    skip = shutil.ignore_patterns(".venv", ".git", "out", "__pycache__", "*.egg-info")
    links = {ROOT, ROOT / "bidl_sim"}

    def without_links(folder: str, names: list[str]) -> set[str]:
        return skip(folder, names) | (set(FOLDERS) if Path(folder) in links else set())

    shutil.copytree(ROOT, copy, ignore=without_links, symlinks=True)
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    pytest.importorskip("setuptools", minversion="77")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
         "-w", str(tmp_path), str(copy)],
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {n for n in names if n.startswith("bidl_sim/")} == sources()
    top = {n.split("/")[0] for n in names}
    assert top == {"bidl_sim", wheel.name.rsplit("-", 3)[0] + ".dist-info"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_links_lead_to_the_folders(folder) -> None:
    link = ROOT / "bidl_sim" / folder
    if not link.is_symlink():
        pytest.skip("installed without links")
    assert link.resolve() == ROOT / folder


def test_files_stay_short() -> None:
    """One concept a file: none above 500 lines, half of them below 120."""
    lengths = {}
    own = ("core", "engines", "cli", "data", "slayer", "lava")
    for folder in (*(f"bidl_sim/{name}" for name in own), *FOLDERS):
        for path in (ROOT / folder).rglob("*.py"):
            lengths[path] = len(path.read_text().splitlines())
    for path in (ROOT / "bidl_sim").glob("*.py"):
        lengths[path] = len(path.read_text().splitlines())
    assert max(lengths.values()) <= 500, max(lengths, key=lengths.__getitem__)
    written = sorted(n for p, n in lengths.items() if p.name != "__init__.py")
    assert written[len(written) // 2] <= 120


def test_users_programs_pass_strict_types() -> None:
    programs = sorted((ROOT / "tests" / "package" / "typing").glob("*.py"))
    assert programs
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *map(str, programs)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout
