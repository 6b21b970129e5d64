"""What all tests share."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", tempfile.mkdtemp())  # not in the checkout
os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as the command line does

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("BIDL_SHARED", ROOT.parent / "shared"))

settings.register_profile(
    "tests",
    database=None,  # the checkout may be read-only
    deadline=None,  # machines are shared
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("tests")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def nmnist() -> Path:
    """The folder with real N-MNIST recordings."""
    folder = SHARED / "data" / "nmnist_small"
    if not folder.is_dir():
        pytest.skip("the real N-MNIST recordings are not here (set BIDL_SHARED)")
    return folder


@pytest.fixture
def lava_golden() -> Path:
    """The folder with vectors that lava-dl and Lava computed."""
    folder = SHARED / "data" / "lava_golden"
    if not folder.is_dir():
        pytest.skip("the vectors of lava-dl are not here (set BIDL_SHARED)")
    return folder


@pytest.fixture
def nir_files() -> Path:
    """The folder with published NIR files and what they must give."""
    folder = SHARED / "data" / "nir"
    if not folder.is_dir():
        pytest.skip("the published NIR files are not here (set BIDL_SHARED)")
    return folder
